# Copyright: (c) 2026, tlsbootstrap.kubernetes contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action ca_passphrase: ask for the passphrase of the CAs' keys at the terminal."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsiblePromptInterrupt, AnsiblePromptNoninteractive
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.tlsbootstrap.kubernetes.plugins.module_utils.domain.errors import InputError

_PROMPT = "Passphrase of the CAs' keys (it is not shown): "
_AGAIN = "The same once more, for it is the first one: "


class ActionModule(ActionBase):  # type: ignore[misc]  # Ansible has no types
    """Touches no host."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True
    _VALID_ARGS = frozenset(("confirm",))

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        result["changed"] = False
        try:
            passphrase = _asked(bool(boolean(self._task.args.get("confirm", False))))
        except InputError as error:
            return {**result, "failed": True, "msg": str(error)}
        # Whoever shows results shows nothing of this one; who registers it has it, in memory, while the run lasts.
        return {**result, "passphrase": passphrase, "_ansible_no_log": True}


def _asked(confirm: bool) -> str:
    passphrase = _ask(_PROMPT)
    if not passphrase:
        raise InputError("the passphrase that was typed is empty")
    if confirm and _ask(_AGAIN) != passphrase:
        raise InputError("the two passphrases that were typed differ; run this again")
    return passphrase


def _ask(prompt: str) -> str:
    """By the process that has the terminal: the workers have none."""
    try:
        typed = Display().prompt_until(prompt, private=True)
    except AnsiblePromptNoninteractive:
        raise InputError(
            "nobody can be asked for the passphrase of the CAs' keys: this run has no terminal, or is in the "
            "background; give cluster_ca_passphrase, from Ansible Vault, or cluster_ca_passphrase_file"
        ) from None
    except AnsiblePromptInterrupt:
        raise InputError("nobody has answered the question for the passphrase of the CAs' keys") from None
    try:
        return bytes(typed).decode("utf-8")
    except UnicodeDecodeError:
        raise InputError("the passphrase that was typed is not UTF-8") from None
