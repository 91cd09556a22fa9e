# What the guides call; read it into a shell with:  . docs/guides/functions.sh
: "${CRM_URL:=http://127.0.0.1:8080/v1}" "${CRM_HOME:=.local}"
# call METHOD PATH [TOKEN] [BODY] [CURL OPTIONS…]
call() {
  curl -sS -X "$1" "$CRM_URL$2" ${3:+-H "Authorization: Bearer $3"} \
    ${4:+-H "Content-Type: application/json" -d "$4"} "${@:5}"
}
# field NAME: a member of the JSON document on standard input, such as user.id
field() {
  python3 -c 'import functools, json, sys
print(functools.reduce(lambda part, name: part[int(name) if name.isdigit() else name], sys.argv[1].split("."), json.load(sys.stdin)))' "$1"
}
# status METHOD PATH …: the HTTP status alone
status() { call "$1" "$2" "${3:-}" "${4:-}" "${@:5}" -o /dev/null -w '%{http_code}\n'; }
# until_status STATUS METHOD PATH …: the HTTP status, asked for until it is this one, for ten seconds at most
until_status() {
  local found
  for _ in $(seq 100); do
    found=$(status "${@:2}")
    [ "$found" = "$1" ] && break || sleep 0.1
  done
  echo "$found"
}
# version PATH TOKEN: the ETag that a change has to name
version() { call GET "$1" "$2" "" -D - -o /dev/null | tr -d '\r' | awk 'tolower($1) == "etag:" {print $2}'; }
# letter ADDRESS PAGE: the secret in the link to PAGE of the last e-mail to an address; local mode writes e-mail to files
letter() {
  local file found
  for _ in $(seq 100); do
    for file in $(ls -t "$CRM_HOME"/mail/*.eml 2> /dev/null); do
      found=$(grep -q "^To: .*$1" "$file" && grep -oh "$2#token=[A-Za-z0-9_-]*" "$file" | tail -1 | cut -d= -f2)
      [ -n "$found" ] && echo "$found" && return
    done
    sleep 0.1
  done
  return 1
}
# settled PATH TOKEN: the state of an import, as soon as nobody works on it
settled() {
  local state
  for _ in $(seq 600); do
    state=$(call GET "$1" "$2" | field state)
    case $state in validating | running | reverting) sleep 0.1 ;; *) echo "$state" && return ;; esac
  done
  return 1
}
