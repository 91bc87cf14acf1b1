-- Single facts of the sales database, one tool each. Small on purpose: a small model chooses well
-- among a few tools whose descriptions are short and alike.

-- name: get_balance
-- description: Get the balance of a customer.
-- param customer: string, copied from the request, one of: select name from customers order by name
-- answer: The balance of the customer {customer} is {balance}.
select balance from customers where name = :customer;

-- name: get_priority
-- description: Get the priority of a customer.
-- param customer: string, copied from the request, one of: select name from customers order by name
-- answer: The priority of the customer {customer} is {priority}.
select priority from customers where name = :customer;

-- name: get_price
-- description: Return the price for a device.
-- param device: string, copied from the request, one of: select name from devices order by name
-- answer: The price of the device {device} is {price}.
select price from devices where name = :device;

-- name: find_director
-- description: Look up the director of a warehouse.
-- param warehouse: string, copied from the request, one of: select name from warehouses order by name
-- answer: The director of the warehouse {warehouse} is {director}.
select director from warehouses where name = :warehouse;

-- name: order_deadline
-- description: Find the deadline of one order.
-- param order: string, copied from the request, one of: select id from orders order by id
-- answer: The deadline of the order {order} is {deadline}.
select deadline from orders where id = :order;
