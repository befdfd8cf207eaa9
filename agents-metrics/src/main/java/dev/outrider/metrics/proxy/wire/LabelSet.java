package dev.outrider.metrics.proxy.wire;

/**
 * The labels that a session's figures have.
 *
 * @param index a number of their own, from 0 without gaps
 * @param database the database; empty before the session is let in
 * @param user who the session belongs to
 * @param application what it calls itself
 */
record LabelSet(int index, String database, String user, String application) {}
