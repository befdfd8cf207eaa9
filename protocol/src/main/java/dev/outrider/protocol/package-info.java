/**
 * The Postgres wire protocol, version 3: <a
 * href="https://www.postgresql.org/docs/18/protocol.html">Frontend/Backend Protocol</a>.
 */
@NullMarked
package dev.outrider.protocol;

import org.jspecify.annotations.NullMarked;
