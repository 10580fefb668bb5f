#!/bin/bash
# open.sh [up|down|...]: the lab for a person: two clusters of two hosts, three guests, and a datacenter file that says so.
set -euo pipefail
here=$(cd "$(dirname "$(readlink -f "$0")")" && pwd)
export LAB_NAME=${LAB_NAME:-lab}
export LAB_STATE=${LAB_STATE:-/tmp/vmplacement-$LAB_NAME}
[ "${1:-up}" = up ] || exec "$here/lab.sh" "$@"

"$here/install.sh"
"$here/lab.sh" build > /dev/null
"$here/lab.sh" up 4 --clusters 2
for guest in web-01 db-01; do "$here/lab.sh" vm host-a $guest --no-wait; done
"$here/lab.sh" vm host-c app-01 --no-start
address() { cat "$LAB_STATE/hosts/$1/ip"; }
cat > "$LAB_STATE/datacenter.yaml" << Y
libvirt:
  ssh: {user: root, identityFile: ssh/id_ed25519, knownHosts: ssh/known_hosts}
  clusters:
    blue: {hosts: {host-a: {address: $(address host-a)}, host-b: {address: $(address host-b)}}}
    green: {hosts: {host-c: {address: $(address host-c)}, host-d: {address: $(address host-d)}}}
  links:
    - {between: [blue, green], direct: 'no'}
Y
cat << U

  What it would mean:  npx tsx provider/cli/main.ts plan --vm web-01 --host host-b -d $LAB_STATE/datacenter.yaml
  The hosts' virsh:    npm run lab -- exec host-a virsh list --all
  By ssh:              ssh -F $LAB_STATE/ssh/config host-a
  A route between the clusters, and none again:  npm run lab -- route on|off
  Everything else:     npm run lab -- help
  The end of it:       npm run lab -- down --all
U
