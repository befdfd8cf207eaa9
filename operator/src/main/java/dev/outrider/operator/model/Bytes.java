package dev.outrider.operator.model;

/** Amounts of memory and storage in bytes, and how PostgreSQL writes them. */
final class Bytes {
  static final long KIB = 1024;
  static final long MIB = 1024 * KIB;
  static final long GIB = 1024 * MIB;

  private Bytes() {}

  static long clamp(long value, long least, long most) {
    return Math.max(least, Math.min(most, value));
  }

  /** Whole mebibytes, as PostgreSQL's MB, which is 1024 kB. */
  static String megabytes(long bytes) {
    return Math.max(1, bytes / MIB) + "MB";
  }
}
