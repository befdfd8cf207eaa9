package dev.outrider.operator.api;

import java.util.List;

/**
 * The PostgreSQL parameters that are not the user's to set: Patroni runs replication with them, or
 * Outrider its logs, archive, TLS and access. The CRD refuses each of them by a rule of its own.
 */
public final class OwnedParameters {
  /** The names in order. */
  public static final List<String> NAMES =
      List.of(
          "archive_cleanup_command",
          "archive_command",
          "archive_library",
          "archive_mode",
          "cluster_name",
          "config_file",
          "data_directory",
          "external_pid_file",
          "hba_file",
          "hot_standby",
          "ident_file",
          "listen_addresses",
          "log_destination",
          "log_directory",
          "log_file_mode",
          "log_filename",
          "log_truncate_on_rotation",
          "logging_collector",
          "password_encryption",
          "port",
          "primary_conninfo",
          "primary_slot_name",
          "recovery_target_timeline",
          "restore_command",
          "ssl",
          "ssl_ca_file",
          "ssl_cert_file",
          "ssl_key_file",
          "synchronous_standby_names",
          "unix_socket_directories",
          "unix_socket_group",
          "unix_socket_permissions",
          "wal_log_hints");

  private OwnedParameters() {}

  /** What a user reads who sets one of them. */
  public static String refusal(String name) {
    return name + " is set by Outrider or Patroni and cannot be set here; leave it out";
  }
}
