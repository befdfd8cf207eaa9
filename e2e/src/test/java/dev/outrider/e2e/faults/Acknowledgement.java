package dev.outrider.e2e.faults;

/**
 * A row of which a client was told that it is committed.
 *
 * @param writer the client; with the number it names the row
 * @param number counts the client's attempts, also those without an answer
 * @param server the run of PostgreSQL that answered: the time its postmaster started, which a copy
 *     or a restart of the instance does not share
 * @param timeline of the WAL that the row was written to
 * @param sent just before the statement was sent, {@link System#nanoTime()}, which is one clock for
 *     all processes of this machine (CLOCK_MONOTONIC)
 * @param acknowledged just after the answer was there, by the same clock
 */
record Acknowledgement(
    String writer, long number, String server, int timeline, long sent, long acknowledged) {}
