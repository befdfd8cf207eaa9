package dev.outrider.metrics.proxy.traces;

import dev.outrider.metrics.proxy.wire.QuerySpan;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Spans as an {@code ExportTraceServiceRequest} of <a
 * href="https://github.com/open-telemetry/opentelemetry-proto/blob/v1.8.0/opentelemetry/proto/trace/v1/trace.proto">OTLP</a>,
 * with the attributes of the semantic conventions for <a
 * href="https://opentelemetry.io/docs/specs/semconv/database/postgresql/">PostgreSQL</a>.
 *
 * <p>Their kind is SERVER: a client that traces has a span of kind CLIENT for the same query, this
 * is the other end of it, and what draws a map of services joins just such pairs. The conventions
 * for databases have CLIENT since they are for clients.
 */
final class Otlp {
  private static final int SERVER = 2;
  private static final int ERROR = 2;
  // In the flags of a span: it is known whether the parent is of another process, and it is.
  private static final int PARENT_IS_REMOTE = 0x300;
  private static final String SYSTEM = "postgresql";

  private Otlp() {}

  /**
   * Makes the body of a request.
   *
   * @param resource attributes of the proxy
   * @param version of the proxy
   */
  static byte[] request(Map<String, String> resource, String version, List<QuerySpan> spans) {
    Message out = new Message();
    int all = out.begin(1);
    int of = out.begin(1);
    resource.forEach((name, value) -> attribute(out, 1, name, value));
    out.end(of);
    int scoped = out.begin(2);
    int scope = out.begin(1);
    out.text(1, "dev.outrider.proxy");
    out.text(2, version);
    out.end(scope);
    for (QuerySpan span : spans) {
      span(out, span);
    }
    out.end(scoped);
    out.end(all);
    return out.toBytes();
  }

  private static void span(Message out, QuerySpan span) {
    int begun = out.begin(2);
    out.bytes(1, span.parent().traceHigh(), span.parent().traceLow());
    out.bytes(2, span.id());
    out.bytes(4, span.parent().span());
    out.text(5, name(span));
    out.number(6, SERVER);
    out.fixed64(7, span.begin());
    out.fixed64(8, span.end());
    attribute(out, 9, "db.system.name", SYSTEM);
    attribute(out, 9, "db.namespace", span.database());
    if (span.operation() != null) {
      attribute(out, 9, "db.operation.name", span.operation());
    }
    if (span.text() != null) {
      attribute(out, 9, "db.query.text", span.text());
    }
    if (span.fingerprint() != null) {
      attribute(out, 9, "outrider.fingerprint", span.fingerprint());
    }
    address(out, "client", span.client());
    address(out, "server", span.server());
    if (span.sqlState() == null) {
      attribute(out, 9, "db.response.returned_rows", span.rows());
    } else {
      attribute(out, 9, "db.response.status_code", span.sqlState());
      attribute(out, 9, "error.type", span.sqlState());
      int status = out.begin(15);
      out.number(3, ERROR);
      out.end(status);
    }
    out.fixed32(16, PARENT_IS_REMOTE | span.parent().flags());
    out.end(begun);
  }

  /** What it did and where; only where, if it did nothing. */
  private static String name(QuerySpan span) {
    String target = span.database().isEmpty() ? SYSTEM : span.database();
    return span.operation() == null ? target : span.operation() + ' ' + target;
  }

  private static void address(Message out, String of, @Nullable InetSocketAddress address) {
    if (address != null) {
      attribute(
          out,
          9,
          of + ".address",
          address.isUnresolved() ? address.getHostString() : address.getAddress().getHostAddress());
      attribute(out, 9, of + ".port", address.getPort());
    }
  }

  private static void attribute(Message out, int field, String name, String value) {
    int begun = out.begin(field);
    out.text(1, name);
    int any = out.begin(2);
    out.text(1, value);
    out.end(any);
    out.end(begun);
  }

  private static void attribute(Message out, int field, String name, long value) {
    int begun = out.begin(field);
    out.text(1, name);
    int any = out.begin(2);
    out.number(3, value);
    out.end(any);
    out.end(begun);
  }
}
