#!/bin/bash
# The control plane: etcd, API server, controllers, scheduler, volumes and DNS, which end together.
#   ADDRESS   its own
#   SERVICES  the addresses of services
#   SILENCE   how long a node may be silent before it counts as lost
# Keys, accounts and logs are in /cluster.
set -u
cd /cluster || exit 1

run() { # LOG COMMAND…
  local log=log/$1.log
  shift
  "$@" >"$log" 2>&1 &
}

trap 'kill $(jobs -p) 2>/dev/null; exit 0' TERM INT

run etcd etcd --data-dir /var/lib/etcd --unsafe-no-fsync --log-level warn \
  --listen-client-urls http://127.0.0.1:2379 --advertise-client-urls http://127.0.0.1:2379
run apiserver kube-apiserver --etcd-servers=http://127.0.0.1:2379 --advertise-address="$ADDRESS" --service-cluster-ip-range="$SERVICES" \
  --tls-cert-file=apiserver.crt --tls-private-key-file=apiserver.key --client-ca-file=ca.crt --token-auth-file=tokens.csv \
  --authorization-mode=Node,RBAC --enable-admission-plugins=NodeRestriction --profiling=false \
  --service-account-issuer=https://kubernetes.default.svc.cluster.local --service-account-signing-key-file=accounts.key \
  --service-account-key-file=accounts.pub --kubelet-client-certificate=kubelet-client.crt --kubelet-client-key=kubelet-client.key \
  --kubelet-preferred-address-types=InternalIP
apiserver=$!
until kubectl --kubeconfig=admin.kubeconfig get --raw=/readyz >/dev/null 2>&1; do
  kill -0 "$apiserver" 2>/dev/null || { echo "the API server has ended"; exit 1; }
  sleep 0.1
done
run controller-manager kube-controller-manager --kubeconfig=controller-manager.kubeconfig --use-service-account-credentials=true \
  --service-account-private-key-file=accounts.key --root-ca-file=ca.crt --leader-elect=false --profiling=false \
  --node-monitor-grace-period="$SILENCE" --node-monitor-period=2s
run scheduler kube-scheduler --kubeconfig=scheduler.kubeconfig --leader-elect=false --profiling=false
run volumes volumes --kubeconfig volumes.kubeconfig
run dns dns -conf Corefile
wait -n
echo "a part of the control plane has ended"
exit 1
