/** What a frontend sends. */
@NullMarked
package dev.outrider.protocol.frontend;

import org.jspecify.annotations.NullMarked;
