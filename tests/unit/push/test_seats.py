"""Seats: who waits for a change is not left waiting for one that came before."""

from __future__ import annotations

import threading

from syncd.push.worker.capacity import WorkerSlots


def test_a_seat_that_was_given_back_before_the_wait_ends_it_at_once() -> None:
    seats = WorkerSlots(2)
    seats.take(1)
    before = seats.given
    seats.give_back()
    waited = threading.Thread(target=seats.wait_change, args=(before, 3600.0), daemon=True)
    waited.start()
    waited.join(60)
    assert not waited.is_alive()


def test_seats_that_are_taken_stay_taken_when_there_are_more_or_fewer_of_them() -> None:
    seats = WorkerSlots(4)
    seats.take(3)
    seats.resize(8)
    assert (seats.taken, seats.wait_free(0.0, 0.0)) == (3, 5)
    seats.resize(2)
    assert (seats.taken, seats.wait_free(0.0, 0.0)) == (3, 0)
    for _ in range(3):
        seats.give_back()
    assert (seats.idle, seats.wait_free(0.0, 0.0)) == (True, 2)


def test_a_seat_is_counted_as_taken_until_it_is_given_back() -> None:
    seats = WorkerSlots(3)
    seats.take(2)
    assert (seats.taken, seats.idle) == (2, False)
    seats.give_back()
    seats.give_back()
    assert (seats.taken, seats.idle, seats.wait_free(0.0, 0.0)) == (0, True, 3)
