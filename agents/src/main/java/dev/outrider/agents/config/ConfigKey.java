package dev.outrider.agents.config;

/**
 * One key of an agent's configuration, as help and documentation show it.
 *
 * @param path its dotted path, for example {@code http.listen}
 * @param form what a value looks like, for example {@code HOST:PORT}
 * @param description what it does, one sentence without a full stop
 */
public record ConfigKey(String path, String form, String description) {}
