#!/bin/sh
# Runs the commands of README.md in a directory of their own, and keeps here what is to be checked. Needs a build and openssl.
set -eu
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export work XDG_STATE_HOME="$work/state" XDG_CACHE_HOME="$work/cache"
mkdir "$work/bin"
printf '#!/bin/sh\nexec node "%s/bin/weightmark.js" "$@"\n' "$PWD" > "$work/bin/weightmark"
chmod +x "$work/bin/weightmark"
PATH="$work/bin:$PATH"
awk '/^```sh$/ { shell = 1; next } /^```$/ { shell = 0 } shell' examples/case/README.md > "$work/commands"
sh -eux "$work/commands"
cp "$work/acme-lm/model.sig" examples/case/acme-lm.sig
for name in nova-chat.gguf nova-chat.case.json examiner.pub publisher.pub acme-lm.key acme-lm.commitment authority.pem; do
  cp "$work/$name" examples/case/
done
chmod 644 examples/case/acme-lm.key
node examples/case/print-checks.mjs
