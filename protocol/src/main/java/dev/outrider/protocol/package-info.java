/**
 * The Postgres wire protocol, version 3: <a
 * href="https://www.postgresql.org/docs/18/protocol.html">Frontend/Backend Protocol</a>.
 *
 * <p>{@link dev.outrider.protocol.frontend} and {@link dev.outrider.protocol.backend} have one
 * record per message. A message is decoded on demand from its body, which stays as it is, so that a
 * proxy can look at a frame and relay its bytes:
 *
 * {@snippet :
 * if (type == CommandComplete.TYPE) {
 *   CommandTag done = CommandTag.decode(body);
 *   rows += Math.max(done.rows(), 0);
 * }
 * }
 *
 * <p>and encoded where a proxy itself answers:
 *
 * {@snippet :
 * new ErrorResponse(SqlState.TOO_MANY_CONNECTIONS, "too many clients").encode(out);
 * }
 *
 * <p>{@link dev.outrider.protocol.sql} takes the values out of the text of statements.
 *
 * <p>What is no message of the protocol is a {@link
 * dev.outrider.protocol.MalformedMessageException}, whatever the bytes. Payloads are slices: they
 * are neither copied nor retained. No text form of a message tells a payload, a secret or the text
 * of a statement, so messages can be logged.
 */
@NullMarked
package dev.outrider.protocol;

import org.jspecify.annotations.NullMarked;
