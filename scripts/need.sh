# For the other scripts: what they need and this computer lacks is installed. Read it with ".".

install_package() { # what it is for, Debian package
    if ! command -v apt-get >/dev/null 2>&1; then
        echo "This needs $1 (Debian package $2); please install it." >&2
        exit 1
    fi
    local sudo=""
    [ "$(id -u)" = 0 ] || sudo="sudo"
    $sudo apt-get update -qq
    DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends "$2" >/dev/null
}

need() { # command, Debian package
    command -v "$1" >/dev/null 2>&1 || install_package "the program \"$1\"" "$2"
}
