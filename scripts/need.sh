# For the other scripts: what they need and this computer lacks is installed. Read it with ".".

install_package() { # what it is for, Debian package
    if ! command -v apt-get >/dev/null 2>&1; then
        echo "This needs $1 (Debian package $2); please install it." >&2
        exit 1
    fi
    local sudo=""
    [ "$(id -u)" = 0 ] || sudo="sudo"
    # Tests that run side by side may need something at once, and apt serves one at a time.
    (
        flock 9
        $sudo apt-get update -qq >&2
        DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends "$2" >/dev/null
    ) 9>"${TMPDIR:-/tmp}/banyan-install.lock"
}

need() { # command, Debian package
    command -v "$1" >/dev/null 2>&1 || install_package "the program \"$1\"" "$2"
}

need_file() { # file, Debian package
    [ -e "$1" ] || install_package "the file $1" "$2"
}

# One place for tools that cargo and Debian do not carry in a fitting version.
tools="${XDG_CACHE_HOME:-$HOME/.cache}/banyan-tools"
