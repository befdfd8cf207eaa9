/** What a backend sends. */
@NullMarked
package dev.outrider.protocol.backend;

import org.jspecify.annotations.NullMarked;
