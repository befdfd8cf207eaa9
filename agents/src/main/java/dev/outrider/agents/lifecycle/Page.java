package dev.outrider.agents.lifecycle;

/**
 * What an agent shows at a path of its own on its plain HTTP endpoint, beside what every agent has.
 *
 * @param type the media type, for example {@code text/plain; charset=utf-8}
 * @param text what is shown
 */
public record Page(String type, String text) {}
