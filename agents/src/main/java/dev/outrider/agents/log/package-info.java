/**
 * Structured logs: an SLF4J provider that writes one JSON object a line to standard output. Written
 * here because the libraries for it (Logback, Log4j) each cost an idle agent several MiB, and one
 * format to one place is all it does.
 */
@NullMarked
package dev.outrider.agents.log;

import org.jspecify.annotations.NullMarked;
