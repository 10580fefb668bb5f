/** A folder of the login alone on a host, for what a run needs there: sockets, and what a job says. */

/** How a script ends that finds it in other hands. */
export const FOLDER = 71;

/** Puts its path into `$d`. What is made from there on is for the login only. */
export const privateFolder = `
umask 077
d=/tmp/vmplacement-$(id -u)
mkdir "$d" 2> /dev/null
[ "$(stat -c '%u %a %F' "$d" 2> /dev/null)" = "$(id -u) 700 directory" ] || { echo "$d belongs to somebody else" >&2; exit ${FOLDER}; }`;
