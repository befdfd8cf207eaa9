/**
 * The text of SQL statements, brought into a form that is the same for all that differ in values
 * only.
 *
 * {@snippet :
 * Fingerprinter fingerprinter = new Fingerprinter();
 * int statements = fingerprinter.read(query.text());
 * for (int i = 0; i < statements; i++) {
 *   calls.merge(fingerprinter.hash(i), 1L, Long::sum);
 *   texts.computeIfAbsent(fingerprinter.hash(i), _ -> fingerprinter.text(i));
 * }
 * }
 */
@NullMarked
package dev.outrider.protocol.sql;

import org.jspecify.annotations.NullMarked;
