/**
 * Where messages begin and end, in the bytes of both directions of a connection, whichever way they
 * are cut: nothing is copied, nothing is held back, bodies are skipped by their length, and a
 * message is told only to who asked for its type.
 *
 * <p>{@link dev.outrider.protocol.frame.MessageScanner} follows one direction once it has messages
 * with a type. {@link dev.outrider.protocol.frame.Conversation} joins two of them, and knows how a
 * connection begins. {@link dev.outrider.protocol.frame.Turns} tells on top of it when a connection
 * is idle.
 */
@NullMarked
package dev.outrider.protocol.frame;

import org.jspecify.annotations.NullMarked;
