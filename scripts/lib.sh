# Shared by the scripts: what is needed, and a sentence when it is missing.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

build_packages="build-essential cmake ninja-build mold pkg-config git ca-certificates tzdata
  librocksdb-dev libboost1.81-dev libsimdjson-dev libfmt-dev libgtest-dev libexpected-dev
  libsqlite3-dev libpqxx-dev liblz4-dev zlib1g-dev libssl-dev libyaml-cpp-dev libexpat1-dev libxxhash-dev libhowardhinnant-date-dev
  librdkafka-dev"
test_packages="python3 python3-venv python3-hl7 python3-jsonschema python3-yaml curl jq openssl postgresql-15"
demo_packages="python3 curl jq"

say() { printf '%s\n' "$*" >&2; }

# Installs the Debian packages that are not there yet; says plainly what is missing when that can't be done.
need_packages() {
  local missing=()
  local package
  for package in "$@"; do
    dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && return 0
  if ! command -v apt-get >/dev/null; then
    say "Missing: ${missing[*]}. This script installs them with apt-get, which is not here: Vitalog is built on Debian 12."
    exit 1
  fi
  local as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
      say "Missing: ${missing[*]}. Run as root, or install sudo, or run: apt-get install ${missing[*]}"
      exit 1
    fi
    as_root=(sudo)
  fi
  say "Installing: ${missing[*]}"
  "${as_root[@]}" apt-get update -qq
  if ! "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null; then
    say "These packages could not be installed: ${missing[*]}"
    exit 1
  fi
}

# What Apache Kafka needs, for the tests alone: Java and Maven, from Debian where they are not here. Fails where they can't
# be had; the tests on a cluster are left out then.
need_java() {
  local missing=()
  command -v java >/dev/null || missing+=(default-jdk-headless)
  command -v mvn >/dev/null || missing+=(maven)
  [ ${#missing[@]} -eq 0 ] || (need_packages "${missing[@]}")
}

# build PRESET [TARGET...]: configures once, builds what changed.
build() {
  local preset=$1
  shift
  cd "$root"
  [ -f "build/$preset/build.ninja" ] || cmake --preset "$preset" >/dev/null
  cmake --build "build/$preset" ${1:+--target "$@"}
}
