#!/bin/bash
# A node: containerd, kubelet, kube-proxy and what enforces policies, which end together. Started again, it comes back like a machine that
# was switched off.
#   NAME, ADDRESS, ZONE  its own
#   PODS                 the addresses of its pods
#   PEERS                those of the other nodes' pods, and where they are: SUBNET=ADDRESS …
#   SERVICES             the addresses of services
# Its account, the configuration and logs are in /cluster. A new node waits there for a file images-copied: a kubelet looks only now and then
# which images there are, but when it starts, too.
set -eu

for path in /sys /sys/fs/cgroup /sys/fs/cgroup/*; do
  if mountpoint -q "$path"; then mount -o remount,bind,rw "$path"; fi
done
# In version 2 a group that has processes gives its children no controllers.
if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
  mkdir -p /sys/fs/cgroup/init
  while read -r pid; do echo "$pid" >/sys/fs/cgroup/init/cgroup.procs 2>/dev/null || true; done </sys/fs/cgroup/cgroup.procs
  sed 's/ / +/g; s/^/+/' </sys/fs/cgroup/cgroup.controllers >/sys/fs/cgroup/cgroup.subtree_control
fi
mount --make-rshared /
[ -e /dev/kmsg ] || mknod /dev/kmsg c 1 11
[ -s /etc/machine-id ] || tr -d - </proc/sys/kernel/random/uuid >/etc/machine-id

# The kubelet would set these for the whole machine. Files of its own are put over them, so that the machine stays as it was.
mkdir -p /tmp/sysctl
for setting in vm/overcommit_memory=1 vm/panic_on_oom=0 kernel/panic=10 kernel/panic_on_oops=1 \
  kernel/keys/root_maxkeys=1000000 kernel/keys/root_maxbytes=25000000; do
  file=/tmp/sysctl/$(tr / _ <<<"${setting%=*}")
  echo "${setting#*=}" >"$file"
  mount --bind "$file" "/proc/sys/${setting%=*}"
done

iptables -P FORWARD ACCEPT
for peer in $PEERS; do ip route replace "${peer%=*}" via "${peer#*=}"; done
mkdir -p /etc/cni/net.d "/disks/$NAME"
cat >/etc/cni/net.d/10-bridge.conflist <<NETWORK
{"cniVersion": "1.0.0", "name": "pods", "plugins": [
  {"type": "bridge", "bridge": "cni0", "isDefaultGateway": true, "hairpinMode": true, "ipMasq": false,
   "ipam": {"type": "host-local", "ranges": [[{"subnet": "$PODS"}]]}},
  {"type": "portmap", "capabilities": {"portMappings": true}}]}
NETWORK

trap 'kill $(jobs -p) 2>/dev/null; exit 0' TERM INT
containerd >"/cluster/log/containerd-$NAME.log" 2>&1 &
containerd=$!
until ctr version >/dev/null 2>&1; do
  kill -0 "$containerd" 2>/dev/null || { echo "containerd has ended"; exit 1; }
  sleep 0.1
done
until [ -e /cluster/images-copied ]; do sleep 0.1; done
kubelet --kubeconfig="/cluster/$NAME.kubeconfig" --config=/cluster/kubelet.yaml --hostname-override="$NAME" --node-ip="$ADDRESS" \
  --node-labels="topology.kubernetes.io/region=test,topology.kubernetes.io/zone=$ZONE" --cert-dir=/tmp/kubelet \
  >"/cluster/log/kubelet-$NAME.log" 2>&1 &
kube-proxy --config=/cluster/proxy.yaml --hostname-override="$NAME" >"/cluster/log/proxy-$NAME.log" 2>&1 &
policies --kubeconfig=/cluster/policies.kubeconfig --hostname-override="$NAME" --service-cluster-ip-range="$SERVICES" \
  >"/cluster/log/policies-$NAME.log" 2>&1 &
wait -n
echo "a part of the node has ended"
exit 1
