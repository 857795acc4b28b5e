#!/usr/bin/env bash
# A real control plane for the integration tests: etcd, API server and
# controller-manager as plain processes on 127.0.0.1.
# Usage: cluster.sh start|stop|pause|resume|restart-api DIRECTORY
# DIRECTORY/kubectl is the client, DIRECTORY/admin.conf is system:masters, DIRECTORY/approver.conf the approver's user.
set -euo pipefail

action=$1
directory=$2
version=${KUBERNETES_VERSION:-1.37.2}
binaries=${KUBERNETES_BINARIES:-$HOME/.cache/tlsbootstrap.kubernetes/kubernetes/v$version/bin}
api_port=${KUBERNETES_API_PORT:-16443}
etcd_port=$((api_port - 4064))
pki=$directory/pki

make_ca() { # NAME
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -sha256 \
        -keyout "$pki/$1.key" -out "$pki/$1.crt" -subj "/CN=$1" \
        -addext keyUsage=critical,keyCertSign,cRLSign 2>/dev/null
}

make_leaf() { # NAME SUBJECT USAGE [SANS]
    openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
        -keyout "$pki/$1.key" -subj "$2" -out "$pki/$1.csr" 2>/dev/null
    {
        echo "basicConstraints=critical,CA:FALSE"
        echo "keyUsage=critical,digitalSignature"
        echo "extendedKeyUsage=$3"
        echo "authorityKeyIdentifier=keyid"
        [ -z "${4:-}" ] || echo "subjectAltName=$4"
    } >"$pki/$1.ext"
    openssl x509 -req -in "$pki/$1.csr" -CA "$pki/ca.crt" -CAkey "$pki/ca.key" -CAcreateserial \
        -days 30 -sha256 -extfile "$pki/$1.ext" -out "$pki/$1.crt" 2>/dev/null
}

make_kubeconfig() { # NAME
    cat >"$directory/$1.conf" <<EOF
{"apiVersion": "v1", "kind": "Config", "current-context": "test",
 "clusters": [{"name": "test", "cluster": {"server": "https://127.0.0.1:$api_port",
   "certificate-authority": "$pki/ca.crt"}}],
 "users": [{"name": "$1", "user": {"client-certificate": "$pki/$1.crt", "client-key": "$pki/$1.key"}}],
 "contexts": [{"name": "test", "context": {"cluster": "test", "user": "$1"}}]}
EOF
}

make_pki() {
    mkdir -p "$pki"
    for name in ca kubelet-client-ca kubelet-serving-ca other-ca; do make_ca "$name"; done
    make_leaf apiserver /CN=kube-apiserver serverAuth DNS:localhost,IP:127.0.0.1,IP:10.96.0.1
    make_leaf admin "/O=system:masters/CN=admin" clientAuth
    make_leaf controller-manager /CN=system:kube-controller-manager clientAuth
    make_leaf approver /CN=tlsbootstrap:csr-approver clientAuth
    make_leaf nobody /CN=nobody clientAuth
    for name in admin controller-manager approver nobody; do make_kubeconfig "$name"; done
    cat "$pki/ca.crt" "$pki/kubelet-client-ca.crt" >"$pki/client-ca.crt"
    openssl ecparam -name prime256v1 -genkey -noout -out "$pki/sa.key"
    openssl ec -in "$pki/sa.key" -pubout -out "$pki/sa.pub" 2>/dev/null
}

launch() { # NAME ARGUMENT...
    local name=$1
    shift
    setsid "$binaries/$name" "$@" >>"$directory/$name.log" 2>&1 </dev/null &
    echo $! >"$directory/$name.pid"
}

launch_api() {
    launch kube-apiserver --bind-address=127.0.0.1 "--secure-port=$api_port" \
        --etcd-servers="http://127.0.0.1:$etcd_port" \
        --client-ca-file="$pki/client-ca.crt" \
        --tls-cert-file="$pki/apiserver.crt" --tls-private-key-file="$pki/apiserver.key" \
        --service-account-issuer=https://kubernetes.default.svc \
        --service-account-key-file="$pki/sa.pub" --service-account-signing-key-file="$pki/sa.key" \
        --authorization-mode=Node,RBAC --enable-admission-plugins=NodeRestriction \
        --enable-bootstrap-token-auth --service-cluster-ip-range=10.96.0.0/12 --profiling=false
}

launch_controller_manager() {
    launch kube-controller-manager --kubeconfig="$directory/controller-manager.conf" \
        --bind-address=127.0.0.1 "--secure-port=$((api_port + 1))" --leader-elect=false --use-service-account-credentials \
        --service-account-private-key-file="$pki/sa.key" \
        --controllers=csrsigning,csrapproving,csrcleaner,tokencleaner \
        --cluster-signing-kubelet-client-cert-file="$pki/kubelet-client-ca.crt" \
        --cluster-signing-kubelet-client-key-file="$pki/kubelet-client-ca.key" \
        --cluster-signing-kubelet-serving-cert-file="$pki/kubelet-serving-ca.crt" \
        --cluster-signing-kubelet-serving-key-file="$pki/kubelet-serving-ca.key"
}

wait_ready() {
    local tries=0
    until curl --silent --fail --max-time 2 --cacert "$pki/ca.crt" --cert "$pki/admin.crt" --key "$pki/admin.key" \
        "https://127.0.0.1:$api_port/readyz" >/dev/null; do
        tries=$((tries + 1))
        if [ $tries -gt 300 ]; then
            tail -n 20 "$directory"/*.log >&2
            exit 1
        fi
        sleep 0.2
    done
}

# The first thread of a process that is killed ends before those that still hold its port.
await_port() {
    local tries=0
    while (exec 3<>"/dev/tcp/127.0.0.1/$api_port") 2>/dev/null; do
        tries=$((tries + 1))
        [ $tries -lt 300 ] || exit 1
        sleep 0.1
    done
}

alive() { # NAME; a zombie, where nobody reaps it, is not
    local pid state
    [ -e "$directory/$1.pid" ] || return 1
    read -r pid <"$directory/$1.pid"
    [ -e "/proc/$pid/status" ] || return 1
    state=$(sed -n 's/^State:\t\(.\).*/\1/p' "/proc/$pid/status" 2>/dev/null) || return 1
    [ -n "$state" ] && [ "$state" != Z ]
}

end() { # NAME...
    local name
    for name in "$@"; do
        alive "$name" || continue
        kill -CONT "$(cat "$directory/$name.pid")"
        kill -TERM "$(cat "$directory/$name.pid")"
    done
    for name in "$@"; do
        for _ in $(seq 100); do
            alive "$name" || break
            sleep 0.1
        done
        alive "$name" && kill -KILL "$(cat "$directory/$name.pid")"
        rm -f "$directory/$name.pid"
    done
}

case $action in
    start)
        mkdir -p "$directory"
        ln -sfn "$binaries/kubectl" "$directory/kubectl"
        [ -e "$pki/nobody.crt" ] || make_pki
        alive etcd || launch etcd --data-dir="$directory/etcd" --unsafe-no-fsync --log-level=error \
            --listen-client-urls="http://127.0.0.1:$etcd_port" --advertise-client-urls="http://127.0.0.1:$etcd_port" \
            --listen-peer-urls="http://127.0.0.1:$((etcd_port + 1))" \
            --initial-advertise-peer-urls="http://127.0.0.1:$((etcd_port + 1))" \
            --initial-cluster="default=http://127.0.0.1:$((etcd_port + 1))"
        alive kube-apiserver || launch_api
        wait_ready
        alive kube-controller-manager || launch_controller_manager
        ;;
    restart-api)
        # A crash; asked to end, it would wait for the watches that are open.
        kill -KILL "$(cat "$directory/kube-apiserver.pid")"
        end kube-apiserver
        await_port
        launch_api
        wait_ready
        ;;
    pause) kill -STOP "$(cat "$directory/kube-controller-manager.pid")" ;;
    resume) kill -CONT "$(cat "$directory/kube-controller-manager.pid")" ;;
    stop)
        end kube-controller-manager kube-apiserver etcd
        rm -rf "$directory"
        ;;
    *)
        echo "unknown action $action" >&2
        exit 2
        ;;
esac
