/** Files that change while an agent runs. */
@NullMarked
package dev.outrider.agents.reload;

import org.jspecify.annotations.NullMarked;
