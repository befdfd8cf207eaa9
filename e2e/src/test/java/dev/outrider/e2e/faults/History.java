package dev.outrider.e2e.faults;

import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;

/** All that the clients of one experiment saw. */
final class History implements Notes {

  /** A connection that ended, or an attempt to make one that failed. */
  record Closed(String client, String why, long time) {}

  private final Diary diary;
  private final Collection<Acknowledgement> acknowledgements = new ConcurrentLinkedQueue<>();
  private final Map<String, Collection<Long>> answers = new ConcurrentHashMap<>();
  private final Map<String, String> instances = new ConcurrentHashMap<>();
  private final Collection<Closed> closed = new ConcurrentLinkedQueue<>();
  private final Set<String> opened = ConcurrentHashMap.newKeySet();
  private final Map<String, String> lastWords = new ConcurrentHashMap<>();
  private final Set<String> tenures = new HashSet<>();

  History(Diary diary) {
    this.diary = diary;
  }

  @Override
  public void acknowledged(Acknowledgement one) {
    acknowledgements.add(one);
    String tenure =
        one.writer() + " is acknowledged by " + one.server() + ", timeline " + one.timeline();
    boolean isNew;
    synchronized (tenures) {
      isNew = tenures.add(tenure);
    }
    if (isNew) {
      say(one.writer(), "row " + one.number() + " of " + tenure);
    } else {
      lastWords.remove(one.writer());
    }
  }

  @Override
  public void answered(String reader, long time) {
    answers.computeIfAbsent(reader, any -> new ConcurrentLinkedQueue<>()).add(time);
    lastWords.remove(reader);
  }

  @Override
  public void server(String server, String instance) {
    instances.putIfAbsent(server, instance);
  }

  @Override
  public void opened(String client) {
    opened.add(client);
    say(client, "connected");
  }

  @Override
  public void closed(String client, String why) {
    closed.add(new Closed(client, why, System.nanoTime()));
    say(client, "no connection: " + why);
  }

  @Override
  public void failed(String client, String why) {
    say(client, "failed: " + why);
  }

  /** What a client says over and over is noted once. */
  private void say(String client, String words) {
    if (!words.equals(lastWords.put(client, words))) {
      diary.note(client + ": " + words);
    }
  }

  List<Acknowledgement> acknowledgements() {
    return List.copyOf(acknowledgements);
  }

  /** When a writer had an acknowledgement, {@link System#nanoTime()}. */
  List<Long> times(String writer) {
    return acknowledgements.stream()
        .filter(one -> one.writer().equals(writer))
        .map(Acknowledgement::acknowledged)
        .toList();
  }

  /** When a reader had an answer. */
  List<Long> answers(String reader) {
    return List.copyOf(answers.getOrDefault(reader, List.of()));
  }

  /** Names of instances by server. */
  Map<String, String> instances() {
    return Map.copyOf(instances);
  }

  List<Closed> closed() {
    return List.copyOf(closed);
  }

  boolean wasOpened(String client) {
    return opened.contains(client);
  }
}
