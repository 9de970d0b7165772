# packages.sh: need_packages build|test installs what ops/packages.txt lists and is not there yet.
need_packages() {
    local list="$1" missing=() name use sudo=
    while read -r name use; do
        case $name in '' | '#'*) continue ;; esac
        [ "$list" = build ] && [ "$use" != build ] && continue
        dpkg-query -W -f '${Status}' "$name" 2>/dev/null | grep -q 'ok installed' || missing+=("$name")
    done < ops/packages.txt
    [ ${#missing[@]} -eq 0 ] && return 0
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null || {
            echo "These packages are needed; install them as root: ${missing[*]}" >&2
            return 1
        }
        sudo=sudo
    fi
    echo "Installing ${#missing[@]} packages: ${missing[*]}"
    # PostgreSQL's package is only wanted for its programs, not for a running server.
    if [ ! -e /etc/postgresql-common/createcluster.conf ]; then
        $sudo mkdir -p /etc/postgresql-common
        echo 'create_main_cluster = false' | $sudo tee /etc/postgresql-common/createcluster.conf >/dev/null
    fi
    $sudo apt-get update -qq &&
        $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
            "${missing[@]}" >/tmp/axolotl-packages.log 2>&1 || {
        tail -20 /tmp/axolotl-packages.log >&2
        return 1
    }
}
