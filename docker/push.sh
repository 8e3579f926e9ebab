#!/usr/bin/env bash
# Pushes the images that docker/build.sh has built to a registry, for a Kubernetes cluster or for other machines:
#   docker/push.sh registry.example.com/mq                     all, and brokerd itself if it is built
#   docker/push.sh registry.example.com/mq rabbitmq:4.3 …      only these
# brokerd/rabbitmq:4.3 becomes registry.example.com/mq/brokerd/rabbitmq:4.3, which is where brokerd looks for it with that registry.address.
# docker login says who pushes. Standard output is a line for each image: its name and digest.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
prefix=${BROKERD_IMAGE_PREFIX:-brokerd}
own=$prefix/brokerd:latest

say() { printf '%s  %s\n' "$(date +%H:%M:%S)" "$*" >&2; }
die() { printf 'push: %s\n' "$*" >&2; exit 1; }
present() { docker image inspect "$1" >/dev/null 2>&1; }

# push IMAGE REGISTRY
push() {
  local image=$1 reference=$2/$1 known='' out digest start=$SECONDS
  if present "$reference"; then known=yes; fi
  docker tag "$image" "$reference"
  if ! out=$(docker push "$reference" 2>&1); then
    tail -n 3 <<<"$out" >&2
    [ -n "$known" ] || docker rmi "$reference" >/dev/null
    die "$reference could not be pushed, see above; docker login says who pushes"
  fi
  digest=$(sed -n 's/.*digest: \(sha256:[0-9a-f]*\).*/\1/p' <<<"$out" | tail -n 1)
  # The name was for the push only.
  [ -n "$known" ] || docker rmi "$reference" >/dev/null
  [ -n "$digest" ] || die "the registry does not tell the digest of $reference"
  say "$reference: pushed in $((SECONDS - start)) s"
  printf '%s %s\n' "$reference" "$digest"
}

main() {
  local registry=${1:-} names=() name images=()
  case $registry in '' | -*) sed -n '2,6s/^# \{0,1\}//p' "$0" >&2; exit 2 ;; esac
  shift
  # As brokerd takes registry.address: a host with a dot or a port, perhaps with a path.
  [[ $registry =~ ^([a-z0-9-]+(\.[a-z0-9-]+)+(:[0-9]+)?|[a-z0-9-]+:[0-9]+|localhost)(/[a-z0-9._-]+)*$ ]] ||
    die "$registry is no registry: name its host with a dot or a port, and perhaps a path, as in registry.example.com/mq"
  docker info >/dev/null 2>&1 || die "no Docker engine answers; run docker/engine.sh"
  mapfile -t names < <("$here/build.sh" --list)
  if [ $# = 0 ]; then
    for name in "${names[@]}"; do images+=("$prefix/$name"); done
    if present "$own"; then images+=("$own"); else say "$own is not built, and is not pushed: make image builds it"; fi
  fi
  for name in "$@"; do
    name=${name#"$prefix"/}
    case $name in brokerd) name=${own#"$prefix"/} ;; brokerd:*) ;; *)
      case " ${names[*]} " in *" $name "*) ;; *) die "unknown image $name; there are: ${names[*]} brokerd" ;; esac ;;
    esac
    images+=("$prefix/$name")
  done
  # Before anything is pushed, because it takes long.
  for name in "${images[@]}"; do present "$name" || die "the image $name is missing: run docker/build.sh ${name#"$prefix"/}"; done
  for name in "${images[@]}"; do push "$name" "$registry"; done
}

main "$@"
