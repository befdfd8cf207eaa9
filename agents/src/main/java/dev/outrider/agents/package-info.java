/** The command line, and what an agent has to be to stand on it. */
@NullMarked
package dev.outrider.agents;

import org.jspecify.annotations.NullMarked;
