/**
 * The life of an agent: start, ready, drain, stop; what it tells about itself on the way; and its
 * configuration, taken up again when it changes.
 */
@NullMarked
package dev.outrider.agents.lifecycle;

import org.jspecify.annotations.NullMarked;
