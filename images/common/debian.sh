# shellcheck shell=sh
# How every image installs Debian's packages; sourced by the install scripts.

# Where files that the final image must not have come from: images/build mounts the mirror
# and the certificates of the machine that builds here.
if [ -e /mnt/apt.conf ]; then
    export APT_CONFIG=/mnt/apt.conf PIP_CONFIG_FILE=/mnt/pip.conf
fi
export DEBIAN_FRONTEND=noninteractive

# uid and gid are 5432 in every Outrider image, so that volumes and sockets fit.
add_user() {
    groupadd --gid 5432 postgres
    useradd --uid 5432 --gid 5432 --no-create-home --home-dir /var/lib/outrider --shell /bin/bash postgres
}

update() {
    apt-get -qq update
}

# install PACKAGE…: apt's words are shown only when it fails.
install_packages() {
    apt-get -qq install --yes --no-install-recommends "$@" > /tmp/apt.log || {
        cat /tmp/apt.log
        exit 1
    }
}

# omit PROVIDES: an empty package stands in for what others depend on and a container never
# runs, so that the package database stays consistent and says what was left out.
omit() {
    mkdir -p /tmp/omitted/DEBIAN /tmp/omitted/usr/share/postgresql-common
    cat > /tmp/omitted/DEBIAN/control <<CONTROL
Package: outrider-omitted
Version: 1
Architecture: all
Maintainer: Outrider
Provides: $1
Description: stands in for packages that the Outrider image leaves out
CONTROL
    # Called by the maintainer scripts of PostgreSQL's packages.
    cat > /tmp/omitted/usr/share/postgresql-common/maintscripts-functions <<'FUNCTIONS'
configure_version() { :; }
stop_version() { :; }
remove_version() { :; }
purge_version() { :; }
configure_client_version() { :; }
remove_client_version() { :; }
FUNCTIONS
    dpkg-deb --build --root-owner-group /tmp/omitted /tmp/omitted.deb > /dev/null
    dpkg --install /tmp/omitted.deb > /dev/null
}

# pgbackrest_package VERSION: prints what to install. The version is the same in every image,
# because what one archives another one restores: where the suite has another one, it comes
# from testing, if its libraries' versions allow it; all else stays the suite's own.
pgbackrest_package() {
    if ! apt-cache madison pgbackrest | grep -qF " $1-"; then
        # shellcheck disable=SC2016 # apt's own variables
        mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep -v security | head -n 1)
        echo "deb $mirror forky main" > /etc/apt/sources.list.d/testing.list
        printf 'Package: *\nPin: release n=forky\nPin-Priority: 100\n' > /etc/apt/preferences.d/testing
        update
    fi
    package=$(apt-cache madison pgbackrest | awk -v version="$1-" 'index($3, version) == 1 { print $3; exit }')
    [ -n "$package" ] || {
        echo "Debian has no pgBackRest $1, only: $(apt-cache madison pgbackrest)" >&2
        return 1
    }
    echo "pgbackrest=$package"
}

# finish: takes away what no image needs, and what would differ from build to build.
finish() {
    rm -rf /usr/share/doc/* /usr/share/info/* /usr/share/man/* /usr/share/lintian /usr/share/bug
    if [ -d /usr/share/locale ]; then
        find /usr/share/locale -mindepth 1 -maxdepth 1 ! -name locale.alias -exec rm -rf {} +
    fi
    # Debian's example: it would be read in place of ours.
    rm -rf /etc/pgbackrest.conf /etc/postgresql /etc/postgresql-common /var/lib/postgresql /var/log/postgresql
    find / -xdev -type f -perm /6000 -exec chmod ug-s {} +
    apt-get clean
    # The sources name the mirror of this build.
    rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/cache/debconf/*-old /var/cache/ldconfig/* /var/log/* \
        /etc/apt/sources.list /etc/apt/sources.list.d/* /etc/apt/preferences.d/* /etc/machine-id \
        /var/lib/dpkg/*-old /etc/*- /root/.cache /tmp/* /var/tmp/*
    mkdir -p /var/log/apt
}
