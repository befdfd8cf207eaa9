/** One client's connection through the proxy, from its first byte to its end. */
@NullMarked
package dev.outrider.metrics.proxy.session;

import org.jspecify.annotations.NullMarked;
