/** The operator: wires Postgres and the agents into pods, and says what it did. */
@NullMarked
package dev.outrider.operator;

import org.jspecify.annotations.NullMarked;
