package dev.outrider.metrics.proxy.wire;

import dev.outrider.protocol.sql.Traceparent;
import java.net.InetSocketAddress;
import org.jspecify.annotations.Nullable;

/**
 * A query that belongs to a trace, from its first byte to the end of its answer.
 *
 * @param parent the trace, and the client's span
 * @param id of the span that this is
 * @param begin in nanoseconds since 1970
 * @param end in nanoseconds since 1970
 * @param database the session's
 * @param operation what Postgres says it has done, like {@code SELECT}; null if it failed or is not
 *     one of the kinds that are told apart
 * @param fingerprint of the statement, 16 hexadecimal digits; null if it counts with the rest
 * @param text the normalised text; null where it is not to be shown
 * @param sqlState of the error; null if there was none
 * @param rows how many were returned
 * @param client the client's address, if it is known
 * @param server the address that it has connected to, if it is known
 */
public record QuerySpan(
    Traceparent parent,
    long id,
    long begin,
    long end,
    String database,
    @Nullable String operation,
    @Nullable String fingerprint,
    @Nullable String text,
    @Nullable String sqlState,
    long rows,
    @Nullable InetSocketAddress client,
    @Nullable InetSocketAddress server) {}
