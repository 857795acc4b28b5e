# shellcheck shell=bash
# What the scripts beside this file share. Sourced, never run.
set -euo pipefail
shopt -s inherit_errexit

# shellcheck disable=SC2034  # for the scripts that source this
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
CACHE=${TLSBOOTSTRAP_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/tlsbootstrap.kubernetes}
# Scripts call each other; all must mean the same folder, under sudo too.
export TLSBOOTSTRAP_CACHE=$CACHE

# Progress goes to stderr: stdout is a script's answer.
say() { printf '==> %s\n' "$*" >&2; }

die() {
    printf 'ERROR: %s\n' "$*" >&2
    exit 1
}

as_root() {
    if ((EUID == 0)); then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo -- "$@"
    else
        die "'$1' needs root and there is no sudo: run this as root"
    fi
}

# logged NAME TITLE COMMAND...: a long step. Its output goes to a log that is
# shown only when the step fails. Not to be used in a condition: bash ignores
# `set -e` there, and in everything that is called.
logged() {
    local log=$CACHE/logs/$1.log title=$2 started=$SECONDS status
    shift 2
    mkdir -p "${log%/*}"
    say "$title ..."
    set +e
    (
        set -e
        "$@"
    ) >"$log" 2>&1 9>&-
    status=$?
    set -e
    if ((status)); then
        tail -n 50 "$log" >&2
        die "$title failed, the whole log is $log"
    fi
    say "$title: done in $((SECONDS - started)) s"
}

# One caller at a time; the lock ends with the process. Children that outlive
# it (containers' monitors) must not inherit descriptor 9: start them with 9>&-.
lock() {
    mkdir -p "$CACHE"
    exec 9>"$CACHE/$1.lock"
    flock -n 9 || { say "waiting for another $1"; flock 9; }
}

# hash_of FILE...: a short key for what is made from these files.
hash_of() { cat -- "$@" | sha256sum | cut -c1-12; }

# What this machine's Podman must be told. crun refuses a cgroup v1 tree, and
# without CAP_SYS_RESOURCE no limit can be raised above the machine's own.
containers_conf() {
    printf '[network]\nnetwork_backend = "netavark"\n[engine]\n'
    [[ $(stat -fc %T /sys/fs/cgroup) == cgroup2fs ]] || printf 'runtime = "runc"\ncgroup_manager = "cgroupfs"\n'
    [[ -d /run/systemd/system ]] || printf 'events_logger = "file"\n'
    if ! as_root prlimit --nofile=1048576:1048576 true 2>/dev/null; then
        printf '[containers]\ndefault_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]\n'
    fi
}

# Podman as root, with settings of our own: the machine's stay as they are.
# use_podman comes first, once, so that functions side by side share the file.
use_podman() {
    [[ -z ${CONTAINERS_CONF:-} ]] || return 0
    mkdir -p "$CACHE"
    containers_conf >"$CACHE/containers.conf.$$"
    mv "$CACHE/containers.conf.$$" "$CACHE/containers.conf"
    export CONTAINERS_CONF=$CACHE/containers.conf
}

# Podman 5 warns at each call where cgroups are still version 1.
podman() { as_root env CONTAINERS_CONF="$CONTAINERS_CONF" PODMAN_IGNORE_CGROUPSV1_WARNING=1 podman "$@" 9>&-; }
