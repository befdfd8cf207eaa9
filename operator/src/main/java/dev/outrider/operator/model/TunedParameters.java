package dev.outrider.operator.model;

import static dev.outrider.operator.model.Bytes.GIB;
import static dev.outrider.operator.model.Bytes.MIB;
import static dev.outrider.operator.model.Bytes.clamp;
import static dev.outrider.operator.model.Bytes.megabytes;

import java.util.Map;
import java.util.TreeMap;

/** PostgreSQL parameters as a good DBA would set them for a container of a given size. */
public final class TunedParameters {
  private TunedParameters() {}

  /**
   * What an instance has to work with.
   *
   * @param memory bytes the container may use: its limit, else its request
   * @param milliCpus thousandths of a processor: its limit, else its request
   * @param storage bytes of the volume
   */
  public record Size(long memory, long milliCpus, long storage) {}

  /**
   * The defaults. Each line says why; all but those in {@code OwnedParameters} can be overridden in
   * {@code spec.postgres.parameters}. Sources: the PostgreSQL documentation, chapter "Server
   * Configuration", and the wiki page "Tuning Your PostgreSQL Server".
   */
  public static Map<String, String> of(int version, Size size) {
    Map<String, String> p = new TreeMap<>();
    long memory = size.memory();
    long cpus = Math.max(1, Math.ceilDiv(size.milliCpus(), 1000));

    // Memory. A quarter for shared buffers: the kernel caches the same files again, and more seldom
    // helps; three quarters are what the planner may expect to find cached by both.
    long sharedBuffers = clamp(memory / 4, 32 * MIB, 64 * GIB);
    p.put("shared_buffers", megabytes(sharedBuffers));
    p.put("effective_cache_size", megabytes(memory * 3 / 4));
    // A backend costs 5 to 10 MiB before it sorts anything: 16 MiB each are affordable. Never below
    // 100, which applications take for granted; more than 400 only make each other slow.
    long maxConnections = clamp(memory / (16 * MIB), 100, 400);
    p.put("max_connections", Long.toString(maxConnections));
    // A quarter of the memory for sorts and hashes if every connection ran one at once; 4 MiB is
    // PostgreSQL's own default, above 64 MiB a single bad query hurts its neighbours.
    p.put("work_mem", megabytes(clamp(memory / 4 / maxConnections, 4 * MIB, 64 * MIB)));
    // Index builds and VACUUM; a sixteenth each, since three autovacuum workers may use it at once.
    long maintenance = clamp(memory / 16, 32 * MIB, 2 * GIB);
    p.put("maintenance_work_mem", megabytes(maintenance));
    p.put("autovacuum_work_mem", megabytes(clamp(memory / 32, 16 * MIB, GIB)));
    // A container sees the node's huge pages but may not use them unless it asked: "try" ends in
    // SIGBUS there.
    p.put("huge_pages", "off");

    // WAL and checkpoints. Checkpoints by time, not by volume: full-page images after each are most
    // of the WAL of a busy database. WAL shares the volume with the data: at most a tenth of it.
    p.put("checkpoint_timeout", "15min");
    p.put("checkpoint_completion_target", "0.9");
    long maxWal = clamp(size.storage() / 10, 128 * MIB, 16 * GIB);
    p.put("max_wal_size", megabytes(maxWal));
    p.put("min_wal_size", megabytes(clamp(maxWal / 4, 32 * MIB, GIB)));
    // A replica that is away keeps WAL on the primary by its slot; beyond a quarter of the volume
    // the replica is rebuilt rather than the primary stopped by a full disk.
    p.put("max_slot_wal_keep_size", megabytes(clamp(size.storage() / 4, 256 * MIB, 256 * GIB)));
    // A short absence is bridged without a slot.
    p.put("wal_keep_size", megabytes(clamp(size.storage() / 40, 16 * MIB, GIB)));
    p.put("wal_compression", "lz4");
    // Costs little more than replica and spares a restart of everything when somebody wants logical
    // replication later.
    p.put("wal_level", "logical");
    p.put("max_wal_senders", "16");
    p.put("max_replication_slots", "16");
    // Patroni needs it for pg_rewind only without data checksums; it forces "on" itself.
    p.put("hot_standby_feedback", "off");

    // Planner: volumes are solid state or network storage with many spindles behind it.
    p.put("random_page_cost", "1.1");
    p.put("effective_io_concurrency", "64");
    if (version >= 18) {
      // The default seccomp profile of container runtimes forbids io_uring.
      p.put("io_method", "worker");
      p.put("io_workers", Long.toString(clamp(cpus, 3, 16)));
    }
    // The image has no LLVM; for short queries JIT costs more than it gives.
    p.put("jit", "off");

    // Processors: all of them may help one query, half of them at most for one node of its plan.
    p.put("max_worker_processes", Long.toString(Math.max(8, cpus * 2)));
    p.put("max_parallel_workers", Long.toString(Math.max(2, cpus)));
    p.put("max_parallel_workers_per_gather", Long.toString(clamp(cpus / 2, 1, 4)));
    p.put("max_parallel_maintenance_workers", Long.toString(clamp(cpus / 2, 1, 4)));

    // Autovacuum: earlier and faster than PostgreSQL's defaults, which date from spinning disks.
    // Tables that are vacuumed often are vacuumed quickly.
    p.put("autovacuum_vacuum_scale_factor", "0.05");
    p.put("autovacuum_analyze_scale_factor", "0.02");
    p.put("autovacuum_vacuum_insert_scale_factor", "0.1");
    p.put("autovacuum_vacuum_cost_limit", "1000");
    p.put("autovacuum_naptime", "30s");
    p.put("autovacuum_max_workers", Long.toString(clamp(cpus, 3, 8)));

    // What one wants to know afterwards. Statistics of queries come with the first start, since
    // adding the library later needs a restart.
    p.put("shared_preload_libraries", "pg_stat_statements");
    p.put("pg_stat_statements.max", "5000");
    p.put("track_io_timing", "on");
    p.put("track_functions", "pl");
    p.put("track_activity_query_size", "4kB");
    p.put("log_checkpoints", "on");
    p.put("log_lock_waits", "on");
    p.put("log_temp_files", "16MB");
    p.put("log_autovacuum_min_duration", "1min");
    p.put("log_rotation_age", "1h");
    p.put("log_rotation_size", "0");

    // A client that is gone is noticed while its query still runs.
    p.put("client_connection_check_interval", "10s");
    // Waits for a broken replication connection no longer than failover takes.
    p.put("wal_sender_timeout", "20s");
    p.put("wal_receiver_timeout", "20s");
    // A replica follows again soon after its primary came back: until then commits may have to wait
    // for it, or are on one instance alone.
    p.put("wal_retrieve_retry_interval", "1s");
    // After a crash, one call instead of one for each file. The volume is nobody else's.
    p.put("recovery_init_sync_method", "syncfs");
    return p;
  }

  /** What Outrider sets and nobody overrides; the names are those in {@code OwnedParameters}. */
  public static Map<String, String> owned() {
    Map<String, String> p = new TreeMap<>();
    // Turning it on later needs a restart; until backups are configured the command just succeeds.
    p.put("archive_mode", "on");
    p.put("archive_command", "/bin/true");
    p.put("password_encryption", "scram-sha-256");
    p.put("unix_socket_directories", "/run/postgresql");
    p.put("logging_collector", "on");
    p.put("log_destination", "jsonlog");
    p.put("log_directory", "/var/lib/outrider/log");
    // One file an hour, overwritten after a day, so that logs are bounded.
    p.put("log_filename", "postgresql-%H.log");
    p.put("log_truncate_on_rotation", "on");
    p.put("log_file_mode", "0640");
    p.put("ssl", "on");
    p.put("ssl_ca_file", ClusterObjects.TLS_FOLDER + "/ca.crt");
    p.put("ssl_cert_file", ClusterObjects.TLS_FOLDER + "/tls.crt");
    p.put("ssl_key_file", ClusterObjects.TLS_FOLDER + "/tls.key");
    return p;
  }
}
