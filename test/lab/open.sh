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
"$here/lab.sh" datacenter > "$LAB_STATE/datacenter.yaml"
cat << U

  A stack on it:       examples/libvirt
  What it would mean:  npx tsx provider/cli/main.ts plan --vm web-01 --host host-b -d $LAB_STATE/datacenter.yaml
  The hosts' virsh:    npm run lab -- exec host-a virsh list --all
  By ssh:              ssh -F $LAB_STATE/ssh/config host-a
  A route between the clusters, and none again:  npm run lab -- route on|off
  Everything else:     npm run lab -- help
  The end of it:       npm run lab -- down --all
U
