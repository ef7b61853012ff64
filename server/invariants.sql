-- Tix's promises as queries. `python -m server doctor` and the tests run this file.
--
-- A block is: a name, the schema it runs in, and the promise; the rows it returns are violations, and the first
-- column says what a row is about.
-- `a within b` has two queries, split by `-- within`: every row of the first (run in a) must be among those of the
-- second (run in b), which may live on another server. The columns of the second are compared.
-- `repair:` is what to run for a row, whose columns stand in braces; what does not help is followed by the next.
-- `review` instead of `check`: no promise is broken; a person was called, as promised.

-- check: one_live_order_per_ticket | orders | A ticket has at most one live order.
-- repair: tix orders refund {order_id}  # by its seller; all but one (an unpaid one: tix orders cancel, by its buyer)
SELECT id AS order_id, ticket_id, status, created_at FROM (
  SELECT *, count(*) OVER (PARTITION BY ticket_id) AS live FROM orders
  WHERE status IN ('created', 'accepted', 'complete', 'disputed')) o
WHERE live > 1;

-- check: seat_has_its_order | orders | A held seat names its live order, and is sold when that is complete.
-- repair: psql "$DATABASE_URL" -c "SELECT * FROM orders.order_history WHERE ticket_id = '{ticket_id}' ORDER BY id"  # restore it from a backup
SELECT t.id AS ticket_id, t.holder, t.seat_status, o.status AS order_status
FROM tickets t LEFT JOIN orders o ON o.id = t.holder
WHERE (t.holder IS NOT NULL OR t.seat_status <> 'available')
  AND (o.id IS NULL OR o.ticket_id <> t.id
       OR (t.seat_status, o.status) NOT IN
          (('reserved', 'created'), ('reserved', 'accepted'), ('sold', 'complete'), ('sold', 'disputed')));

-- check: order_has_its_seat | orders | A live order holds its seat.
-- repair: tix orders cancel {order_id}  # by its buyer; a paid one: tix orders refund, by its seller
SELECT o.id AS order_id, o.status, o.ticket_id, t.holder
FROM orders o LEFT JOIN tickets t ON t.id = o.ticket_id
WHERE o.status IN ('created', 'accepted', 'complete', 'disputed') AND t.holder IS DISTINCT FROM o.id;

-- check: no_overdue_hold | orders | A hold ends within 5 seconds of its time.
-- repair: python -m server doctor --repair
SELECT id AS order_id, expires_at FROM orders
WHERE status = 'created' AND expires_at < now() - interval '5 seconds';

-- check: nothing_stuck_in_accepted | orders | An accepted order is settled within 5 minutes.
-- repair: python -m server doctor --repair
-- repair: python -m server run payments  # if it is not running: it asks Stripe
SELECT id AS order_id, payment_id, updated_at FROM orders
WHERE status = 'accepted' AND updated_at < now() - interval '5 minutes';

-- check: ticket_means_money | orders within payments | A ticket that is somebody's is paid by the payment it names.
-- repair: python -m server doctor --repair
-- repair: tix orders refund {order_id}  # by its seller: the ticket is nobody's again
SELECT id AS order_id, payment_id, status FROM orders WHERE status IN ('complete', 'disputed')
-- within
SELECT order_id, id AS payment_id, CASE status WHEN 'captured' THEN 'complete' ELSE status END AS status
FROM payments WHERE status IN ('captured', 'disputed');

-- check: money_means_ticket | payments within orders | Money we have, or argue about, belongs to such an order.
-- repair: python -m server doctor --repair
-- repair: python -m webbrowser https://dashboard.stripe.com/payments/{intent_id}  # refund it there: its buyer has no ticket
SELECT order_id, id AS payment_id, stripe_id AS intent_id, status FROM payments
WHERE status IN ('captured', 'disputed')
-- within
SELECT o.id AS order_id, o.payment_id, p.status
FROM orders o JOIN (VALUES ('complete', 'captured'), ('disputed', 'disputed'), ('revoked', 'disputed'))
  p(order_status, status) ON p.order_status = o.status;

-- check: money_goes_back | orders within payments | A ticket taken back is paid back, or being, or a person is called.
-- repair: python -m server doctor --repair
-- repair: tix orders refund {order_id}  # by its seller: tried again
SELECT id AS order_id, payment_id, status FROM orders WHERE status IN ('revoked', 'refunded', 'charged_back')
-- within
SELECT p.order_id, p.id AS payment_id, o.status
FROM payments p JOIN (VALUES
  ('refunding', 'revoked'), ('disputed', 'revoked'), ('refund_failed', 'revoked'),
  ('refunded', 'refunded'), ('charged_back', 'charged_back')) o(payment_status, status) ON o.payment_status = p.status
WHERE p.status <> 'refund_failed' OR p.needs_review IS NOT NULL;

-- check: returns_have_a_reason | payments within orders | Money goes back only for a ticket that was taken back.
-- repair: python -m server doctor --repair
-- repair: tix orders refund {order_id}  # by its seller: takes the ticket back, too
SELECT order_id, id AS payment_id, status FROM payments
WHERE status IN ('refunding', 'refunded', 'refund_failed', 'charged_back')
-- within
SELECT o.id AS order_id, o.payment_id, p.status
FROM orders o JOIN (VALUES ('revoked', 'refunding'), ('revoked', 'refund_failed'), ('refunded', 'refunded'),
  ('charged_back', 'charged_back')) p(order_status, status) ON p.order_status = o.status;

-- check: every_authorisation_answered | payments within orders | Reserved money is for an accepted order or let go of.
-- repair: python -m server doctor --repair
-- repair: python -m server relay --replay-since 7d --service payments
SELECT order_id, id AS payment_id FROM payments p
WHERE status IN ('authorized', 'capturing')
  AND NOT EXISTS (SELECT FROM payment_ops WHERE payment_id = p.id AND kind = 'cancel' AND done_at IS NULL)
-- within
SELECT id AS order_id, payment_id FROM orders WHERE status = 'accepted';

-- check: nothing_open_for_an_ended_order | payments | What was not paid when its order ended cannot be paid any more.
-- repair: python -m server doctor --repair
-- repair: python -m webbrowser https://dashboard.stripe.com/payments/{intent_id}  # cancel it there
SELECT p.id AS payment_id, p.order_id, p.status, o.status AS order_status,
       coalesce(p.stripe_id, p.checkout_id) AS intent_id
FROM payments p JOIN orders o ON o.id = p.order_id
WHERE p.status IN ('open', 'requires_action') AND o.status NOT IN ('created', 'accepted')
  AND p.needs_review IS NULL
  AND NOT EXISTS (SELECT FROM payment_ops WHERE payment_id = p.id AND done_at IS NULL);

-- check: payment_is_the_price | payments | A payment is of its order's price, in its currency.
-- repair: python -m webbrowser https://dashboard.stripe.com/payments/{intent_id}  # refund what was taken wrongly
SELECT p.id AS payment_id, p.order_id, p.amount, p.currency, o.price, o.currency AS order_currency,
       p.stripe_id AS intent_id
FROM payments p JOIN orders o ON o.id = p.order_id
WHERE (p.amount, p.currency) <> (o.price, o.currency);

-- check: stripe_is_called | payments | A call owed to Stripe is made within 10 minutes.
-- repair: python -m server doctor --repair
-- repair: python -m server run payments  # if it is not running; or see `error` of {op_id}
SELECT id AS op_id, payment_id, kind, tries, error FROM payment_ops
WHERE done_at IS NULL AND created_at < now() - interval '10 minutes';

-- check: ledger_balances | payments | The rows of a ledger entry sum to zero.
-- repair: psql "$DATABASE_URL" -c "SELECT * FROM payments.ledger WHERE entry_id = '{entry_id}'"  # correct it by hand
SELECT entry_id, currency, sum(amount) AS off_by FROM ledger GROUP BY entry_id, currency HAVING sum(amount) <> 0;

-- check: ledger_agrees | payments | What the ledger took and gave back is what the payment says.
-- repair: psql "$DATABASE_URL" -c "SELECT * FROM payments.ledger WHERE payment_id = '{payment_id}' ORDER BY id"  # correct it by hand
SELECT p.id AS payment_id, p.status, p.amount, p.needs_review, l.taken, l.refunded, l.disputed
FROM payments p CROSS JOIN LATERAL (
  SELECT coalesce(sum(amount) FILTER (WHERE kind = 'capture'), 0) AS taken,
         -coalesce(sum(amount) FILTER (WHERE kind LIKE 'refund%'), 0) AS refunded,
         -coalesce(sum(amount) FILTER (WHERE kind LIKE 'dispute%'), 0) AS disputed
  FROM ledger WHERE payment_id = p.id AND account = 'cash') l
WHERE (l.taken = p.amount) <> (p.status NOT IN ('open', 'requires_action', 'authorized', 'capturing', 'voided'))
      AND p.needs_review IS NULL
   OR (p.status = 'refunded') AND l.refunded <> l.taken
   OR (p.status IN ('captured', 'refunding', 'refund_failed')) AND l.refunded >= l.taken
   OR (l.disputed > 0) <> (p.status IN ('disputed', 'charged_back')) AND p.needs_review IS NULL;

-- check: no_over_refund | payments | No more is given back than was taken.
-- repair: psql "$DATABASE_URL" -c "SELECT * FROM payments.ledger WHERE payment_id = '{payment_id}' ORDER BY id"  # correct it by hand
SELECT payment_id, sum(amount) FILTER (WHERE kind = 'capture') AS taken, sum(amount) AS left_over
FROM ledger WHERE account = 'cash' GROUP BY payment_id HAVING sum(amount) < 0;

-- check: ledger_is_stripes | stripe | What Stripe took and gave back in the last 3 days is what the ledger says.
-- repair: python -m server doctor --repair
-- repair: python -m webbrowser https://dashboard.stripe.com/payments/{intent_id}  # what differs after a look is for a person
-- No query: server/payments/audit.py asks Stripe.

-- check: legal_order_histories | orders | Every step of an order is a legal one, from created on.
-- repair: psql "$DATABASE_URL" -c "SELECT * FROM orders.order_history WHERE order_id = '{order_id}' ORDER BY id"  # restore it from a backup
SELECT h.order_id, h.version, p.status AS before, h.status AS after
FROM order_history h LEFT JOIN order_history p ON p.order_id = h.order_id AND p.version = h.version - 1
WHERE (coalesce(p.status, ''), h.status) NOT IN (
  ('', 'created'), ('created', 'created'), ('created', 'accepted'), ('created', 'cancelled'), ('created', 'expired'),
  ('expired', 'accepted'), ('expired', 'rejected'), ('accepted', 'complete'), ('accepted', 'rejected'),
  ('complete', 'revoked'), ('complete', 'disputed'), ('disputed', 'complete'), ('disputed', 'charged_back'),
  ('revoked', 'revoked'), ('revoked', 'refunded'), ('revoked', 'charged_back'), ('refunded', 'revoked'))
  OR (p.status IS NULL AND h.version <> 1);

-- check: order_is_its_last_step | orders | An order's status and version are those of its last history row.
-- repair: psql "$DATABASE_URL" -c "SELECT * FROM orders.order_history WHERE order_id = '{order_id}' ORDER BY id"  # restore it from a backup
SELECT o.id AS order_id, o.status, o.version, h.status AS last_status, h.version AS last_version
FROM orders o LEFT JOIN LATERAL
  (SELECT status, version FROM order_history WHERE order_id = o.id ORDER BY version DESC LIMIT 1) h ON true
WHERE (o.status, o.version) IS DISTINCT FROM (h.status, h.version);

-- check: seat_history_has_no_gaps | orders | Every version of a seat, 1 to the present one, has its history row.
-- repair: psql "$DATABASE_URL" -c "SELECT * FROM orders.order_history WHERE ticket_id = '{ticket_id}' ORDER BY id"  # restore it from a backup
SELECT t.id AS ticket_id, t.seat_version, count(DISTINCT h.seat_version) AS recorded
FROM tickets t LEFT JOIN order_history h ON h.ticket_id = t.id AND h.seat_version > 0
GROUP BY t.id, t.seat_version
HAVING count(DISTINCT h.seat_version) <> t.seat_version OR coalesce(max(h.seat_version), 0) <> t.seat_version;

-- check: seats_agree | orders within tickets | tickets shows each seat as orders has it.
-- repair: python -m server doctor --repair
-- repair: python -m server relay --replay-since 7d --service orders
SELECT id AS ticket_id, holder, seat_status, seat_version FROM tickets
-- within
SELECT id AS ticket_id, order_id AS holder, seat_status, seat_version FROM tickets;

-- check: listings_agree | tickets within orders | orders knows each listing as tickets has it.
-- repair: python -m server doctor --repair
-- repair: tix tickets update {ticket_id}  # by its seller: any edit tells it anew
SELECT id AS ticket_id, user_id, price, currency, withdrawn, version FROM tickets
-- within
SELECT id AS ticket_id, user_id, price, currency, withdrawn, version FROM tickets;

-- check: orders_agree | orders within payments | payments knows each order as orders has it; it told the rest itself.
-- repair: python -m server doctor --repair
-- repair: python -m server relay --replay-since 7d --service orders
SELECT id AS order_id, user_id, ticket_id, price, currency,
       CASE WHEN status IN ('complete', 'disputed') THEN 'accepted'
            WHEN status IN ('refunded', 'charged_back') THEN 'revoked' ELSE status END AS status
FROM orders
-- within
SELECT id AS order_id, user_id, ticket_id, price, currency,
       CASE WHEN status IN ('complete', 'disputed') THEN 'accepted'
            WHEN status IN ('refunded', 'charged_back') THEN 'revoked' ELSE status END AS status
FROM orders;

-- check: outbox_drains_auth | auth | Every event is on the bus within 5 seconds.
-- repair: python -m server run auth  # or make run: its relay is not running, or the bus is away
SELECT id AS event_id, type, occurred_at FROM outbox
WHERE published_at IS NULL AND occurred_at < now() - interval '5 seconds';

-- check: outbox_drains_tickets | tickets | Every event is on the bus within 5 seconds.
-- repair: python -m server run tickets  # or make run: its relay is not running, or the bus is away
SELECT id AS event_id, type, occurred_at FROM outbox
WHERE published_at IS NULL AND occurred_at < now() - interval '5 seconds';

-- check: outbox_drains_orders | orders | Every event is on the bus within 5 seconds.
-- repair: python -m server run orders  # or make run: its relay is not running, or the bus is away
SELECT id AS event_id, type, occurred_at FROM outbox
WHERE published_at IS NULL AND occurred_at < now() - interval '5 seconds';

-- check: outbox_drains_payments | payments | Every event is on the bus within 5 seconds.
-- repair: python -m server run payments  # or make run: its relay is not running, or the bus is away
SELECT id AS event_id, type, occurred_at FROM outbox
WHERE published_at IS NULL AND occurred_at < now() - interval '5 seconds';

-- check: no_dead_letters_tickets | tickets | Every message was acted on.
-- repair: python -m server dead-letters replay {id}  # once what `error` says is repaired
SELECT id, consumer, error FROM dead_letters;

-- check: no_dead_letters_orders | orders | Every message was acted on.
-- repair: python -m server dead-letters replay {id}  # once what `error` says is repaired
SELECT id, consumer, error FROM dead_letters;

-- check: no_dead_letters_payments | payments | Every message was acted on.
-- repair: python -m server dead-letters replay {id}  # once what `error` says is repaired
SELECT id, consumer, error FROM dead_letters;

-- review: needs_review | payments | These payments are for a person.
-- repair: python -m webbrowser https://dashboard.stripe.com/payments/{intent_id}
-- repair: tix orders refund {order_id}  # by its seller, if the buyer is to have the money: also tries again
SELECT id AS payment_id, order_id, status, needs_review AS reason, stripe_id AS intent_id
FROM payments WHERE needs_review IS NOT NULL;
