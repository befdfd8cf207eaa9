/** Lets sessions reach the instance only while Patroni allows it. */
@NullMarked
package dev.outrider.metrics.proxy.fence;

import org.jspecify.annotations.NullMarked;
