package dev.outrider.e2e.bench.proxy;

import java.util.List;

/**
 * A way from the client to PostgreSQL.
 *
 * @param port on loopback
 * @param environment of the client, beside its password
 * @param time of what stands between the client and PostgreSQL
 * @param warmsUp whether it compiles itself as it runs
 */
record Rival(
    String name, int port, List<String> environment, ProcessorTime time, boolean warmsUp) {}
