/**
 * The configuration of each agent as a record: the operator writes it, the agent reads the same
 * record, so they cannot drift. Plain Java and YAML only; nothing here knows an agent, Kubernetes
 * or a log.
 *
 * <p>A record checks itself on construction, is bound from a {@link
 * dev.outrider.agents.config.ConfigTree} (a YAML file, command-line options on top), and turns back
 * into one. Binding is written out by hand: reflection and a data-binding library cost an idle
 * agent more memory and start-up time than everything else it does with its configuration.
 */
@NullMarked
package dev.outrider.agents.config;

import org.jspecify.annotations.NullMarked;
