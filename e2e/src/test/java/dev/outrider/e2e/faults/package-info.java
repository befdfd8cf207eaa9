/**
 * Faults done to a cluster while clients write, and what the clients saw: who acknowledged what and
 * when, what is left of it, and how long writes were away.
 */
@NullMarked
package dev.outrider.e2e.faults;

import org.jspecify.annotations.NullMarked;
