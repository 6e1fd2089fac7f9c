"""The fields of Odoo's models that are read, of whichever this version has.

Source: https://github.com/odoo/odoo, addons/point_of_sale/models (pos_order, pos_order_line, pos_payment).
"""

from __future__ import annotations

ORDER = [
    "name",
    "pos_reference",
    "uuid",
    "tracking_number",
    "date_order",
    "write_date",
    "create_date",
    "state",
    "amount_total",
    "amount_tax",
    "amount_paid",
    "amount_return",
    "partner_id",
    "session_id",
    "config_id",
    "user_id",
    "employee_id",
    "currency_id",
    "company_id",
    "is_tipped",
    "tip_amount",
    "general_customer_note",
    "general_note",
    "note",
    "shipping_date",
]
LINE = [
    "order_id",
    "product_id",
    "full_product_name",
    "qty",
    "price_unit",
    "discount",
    "price_subtotal",
    "price_subtotal_incl",
    "tax_ids",
    "uuid",
    "refunded_orderline_id",
    "customer_note",
    "combo_parent_id",
    "is_reward_line",
    "write_date",
]
PAYMENT = [
    "pos_order_id",
    "amount",
    "payment_method_id",
    "payment_date",
    "is_change",
    "card_type",
    "card_brand",
    "write_date",
]
