#!/usr/bin/env bash
# The Debian package: what is in it. Skipped without cargo-deb.
set -euo pipefail
source "$(dirname "$0")/lib.sh"

if ! command -v cargo-deb >/dev/null || ! command -v dpkg-shlibdeps >/dev/null; then
    echo "skipped: deb.sh needs cargo-deb (cargo install cargo-deb) and dpkg-shlibdeps (Debian: dpkg-dev)"
    exit 0
fi

# The compression of a release takes half a minute.
run 0 "$root/packaging/deb.sh" "$binary" "$scratch/deb" --fast
package=$(echo "$scratch"/deb/*.deb)
files=$(dpkg-deb --contents "$package")
for file in usr/bin/rqsearch usr/share/man/man1/rqsearch.1.gz usr/share/man/man1/rqsearch-index.1.gz \
    usr/share/bash-completion/completions/rqsearch usr/share/zsh/vendor-completions/_rqsearch \
    usr/share/fish/vendor_completions.d/rqsearch.fish usr/share/doc/rqsearch/copyright \
    usr/share/doc/rqsearch/changelog.Debian.gz; do
    contains "$files" "./$file"
done
same "$(dpkg-deb --field "$package" Package Version)" "Package: rqsearch
Version: $version-1"
contains "$(dpkg-deb --field "$package" Depends)" "libc6 (>= 2."
passed "the Debian package is complete"

# dpkg keeps its records below the root that it installs into.
installed="$scratch/root"
mkdir -p "$installed"/var/lib/dpkg/{info,updates,triggers}
touch "$installed"/var/lib/dpkg/{status,available}
# A root without libc6 is all that this test has.
run 0 dpkg --root="$installed" --force-not-root --force-depends --install "$package"
same "$("$installed/usr/bin/rqsearch" -V)" "rqsearch $version"
run 0 dpkg --root="$installed" --force-not-root --purge rqsearch
[ ! -e "$installed/usr" ] || die "left behind: $(find "$installed/usr")"
passed "dpkg installs and removes it"
