/** Sessions of real clients with a real Postgres, recorded, counted plainly and played again. */
@NullMarked
package dev.outrider.metrics.proxy.recorded;

import org.jspecify.annotations.NullMarked;
