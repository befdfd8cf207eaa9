# shellcheck shell=bash
# Processes of the cluster. Each component is recorded by pid, start time and boot, so that a pid that somebody else got
# meanwhile is never touched. And each is put into a control group below `outrider`: whatever it starts (container shims,
# containers) stays in there, also when its parent was killed, so that the group is the complete list of what is ours.

BOOT=$(< /proc/sys/kernel/random/boot_id)

if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
  TRACKING=/sys/fs/cgroup/$CGROUP
else
  TRACKING=/sys/fs/cgroup/pids/$CGROUP
fi

# The mount points of all hierarchies: one with cgroup v2, one per controller with v1.
hierarchies() { awk '$3 == "cgroup" || $3 == "cgroup2" { print $2 }' /proc/mounts | sort -u; }

make_groups() {
  local root group
  for root in $(hierarchies); do
    for group in control node1/system node2/system; do
      mkdir -p "$root/$CGROUP/$group"
    done
    # In cgroup v1 a new cpuset has no processors, and nothing can run in it until it gets some.
    if [ -e "$root/$CGROUP/cpuset.mems" ] && [ -e "$root/cgroup.clone_children" ]; then
      for group in "" /node1 /node2; do
        cat "$root/cpuset.cpus" > "$root/$CGROUP$group/cpuset.cpus"
        cat "$root/cpuset.mems" > "$root/$CGROUP$group/cpuset.mems"
      done
    fi
  done
}

remove_groups() {
  local root
  for root in $(hierarchies); do
    [ ! -d "$root/$CGROUP" ] || find "$root/$CGROUP" -depth -type d -exec rmdir {} + 2> /dev/null || true
  done
}

# kill_group GROUP: ends every process in it, however they came about
kill_group() {
  local pids root folder
  # In cgroup v1 a frozen process does not even die.
  for root in $(hierarchies); do
    [ -d "$root/$CGROUP/$1" ] || continue
    find "$root/$CGROUP/$1" -name freezer.state -exec sh -c 'for f; do echo THAWED > "$f"; done' sh {} + 2> /dev/null || true
  done
  folder=$TRACKING/$1
  [ -d "$folder" ] || return 0
  for _ in {1..200}; do
    pids=$(find "$folder" -name cgroup.procs -exec cat {} + 2> /dev/null) || true
    [ -n "$pids" ] || return 0
    # shellcheck disable=SC2086  # a list of numbers
    kill -9 $pids 2> /dev/null || true
    sleep 0.05
  done
  die "these processes do not end, even by kill -9: $(echo "$pids" | tr '\n' ' ')(stuck in the kernel? see: ps -o pid,stat,wchan,args)"
}

# process PID: sets `start_time`; false if there is no such process, or only what is left of it (a zombie)
process() {
  local stat fields
  { read -r stat < "/proc/$1/stat"; } 2> /dev/null || return 1
  # The second field is the program's name in parentheses and may contain anything, also spaces and parentheses.
  read -ra fields <<< "${stat##*) }"
  [[ ${fields[0]} != [ZX] ]] || return 1
  start_time=${fields[19]}
}

alive() {
  local pid start boot start_time
  { read -r pid start boot < "$STATE/run/$1"; } 2> /dev/null || return 1
  [ "$boot" = "$BOOT" ] && process "$pid" && [ "$start_time" = "$start" ]
}

# launch NAME GROUP COMMAND…: starts a daemon that outlives this script
launch() {
  local name=$1 group=$2 start_time=0 pid
  shift 2
  (
    exec 9>&- # the lock is the script's, not the daemon's
    cd "$STATE" || exit
    echo "$BASHPID" > "$TRACKING/$group/cgroup.procs"
    exec setsid "$@"
  ) < /dev/null >> "$STATE/log/$name.log" 2>&1 &
  pid=$!
  process "$pid" || true
  echo "$pid $start_time $BOOT" > "$STATE/run/$name.new"
  mv "$STATE/run/$name.new" "$STATE/run/$name"
}

# finish NAME: ends a component at once; nothing happens if it does not run
finish() {
  local pid
  if alive "$1"; then
    read -r pid _ < "$STATE/run/$1"
    kill -9 "$pid" 2> /dev/null || true
    for _ in {1..100}; do
      alive "$1" || break
      sleep 0.05
    done
  fi
  rm -f "$STATE/run/$1"
}

# need_alive NAME…: dies with the end of its log if a component has ended
need_alive() {
  local name
  for name in "$@"; do
    if ! alive "$name"; then
      say "$name has ended; the end of $STATE/log/$name.log:"
      tail -n 15 "$STATE/log/$name.log" >&2 || true
      die "$name has ended, see above"
    fi
  done
}
