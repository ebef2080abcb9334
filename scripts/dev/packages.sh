# Sourced, not run: need_packages NAME... installs Debian packages that are missing, as root or by sudo.

need_packages() {
  missing=
  for package in "$@"; do
    case $(dpkg-query -W -f '${Status}' "$package" 2>/dev/null) in
      "install ok installed") ;;
      *) missing="$missing $package" ;;
    esac
  done
  [ -z "$missing" ] && return 0
  sudo=
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null 2>&1 || { echo "needs root or sudo to install:$missing" >&2; return 1; }
    sudo=sudo
  fi
  echo "installing:$missing"
  export DEBIAN_FRONTEND=noninteractive
  log=$(mktemp)
  # shellcheck disable=SC2086  # the list is meant to be split
  if ! { $sudo apt-get update -qq && $sudo apt-get install -y -qq --no-install-recommends $missing; } >"$log" 2>&1; then
    cat "$log" >&2
    echo "apt-get could not install:$missing" >&2
    return 1
  fi
  rm -f "$log"
}

build_packages="g++ make cmake ninja-build pkg-config git ca-certificates lua5.4 liblua5.4-dev \
nlohmann-json3-dev libgit2-dev libuv1-dev lua-argparse"
test_packages="doctest-dev lua-busted lua-check lua-cjson clang clang-format clang-tidy procps strace bubblewrap \
tzdata"
