/** Certificates and keys from files that change while an agent runs. */
@NullMarked
package dev.outrider.agents.tls;

import org.jspecify.annotations.NullMarked;
