package dev.outrider.metrics.proxy.wire;

import dev.outrider.protocol.SqlState;
import dev.outrider.protocol.Values;
import dev.outrider.protocol.backend.BackendMessage;
import dev.outrider.protocol.backend.CommandComplete;
import dev.outrider.protocol.backend.DataRow;
import dev.outrider.protocol.backend.ErrorFields;
import dev.outrider.protocol.backend.ErrorResponse;
import dev.outrider.protocol.backend.ReadyForQuery;
import dev.outrider.protocol.frontend.Bind;
import dev.outrider.protocol.frontend.FrontendMessage;
import dev.outrider.protocol.frontend.Parse;
import dev.outrider.protocol.frontend.Query;
import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** Messages that tests send. */
final class Messages {
  static final BackendMessage READY = new ReadyForQuery(ReadyForQuery.Status.IDLE);
  static final BackendMessage READY_IN_TRANSACTION =
      new ReadyForQuery(ReadyForQuery.Status.IN_TRANSACTION);
  static final BackendMessage READY_FAILED = new ReadyForQuery(ReadyForQuery.Status.FAILED);

  private Messages() {}

  static FrontendMessage query(String text) {
    return new Query(Unpooled.copiedBuffer(text, StandardCharsets.UTF_8));
  }

  static FrontendMessage parse(String name, String text) {
    return new Parse(name, Unpooled.copiedBuffer(text, StandardCharsets.UTF_8), List.of());
  }

  static FrontendMessage bind(String portal, String statement) {
    return new Bind(
        portal,
        statement,
        List.of(),
        Values.of(List.of(Unpooled.copiedBuffer("a value", StandardCharsets.UTF_8))),
        List.of(1));
  }

  static BackendMessage row() {
    return new DataRow(
        Values.of(List.of(Unpooled.copiedBuffer("a column", StandardCharsets.UTF_8))));
  }

  static BackendMessage done(String tag) {
    return new CommandComplete(tag);
  }

  static BackendMessage error(String sqlState) {
    return new ErrorResponse(
        ErrorFields.of(
            ErrorFields.Severity.ERROR, new SqlState(sqlState), "it's wrong", null, null));
  }
}
