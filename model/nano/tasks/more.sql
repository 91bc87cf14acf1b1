-- More single facts of the sales database, described by hand in other words than the generator's.

-- name: customer_phone
-- description: Phone number of a customer.
-- param customer: string, copied from the request, one of: select name from customers order by name
-- answer: The phone of the customer {customer} is {phone}.
select phone from customers where name = :customer;

-- name: customer_region
-- description: Tells which region a customer belongs to.
-- param customer: string, copied from the request, one of: select name from customers order by name
-- answer: The region of the customer {customer} is {region}.
select region from customers where name = :customer;

-- name: pieces_left
-- description: How many pieces of a device are in stock.
-- param device: string, copied from the request, one of: select name from devices order by name
-- answer: The stock of the device {device} is {stock}.
select stock from devices where name = :device;

-- name: device_category
-- description: The category that a device falls into.
-- param device: string, copied from the request, one of: select name from devices order by name
-- answer: The category of the device {device} is {category}.
select category from devices where name = :device;

-- name: warehouse_capacity
-- description: The capacity of a warehouse in pallets.
-- param warehouse: string, copied from the request, one of: select name from warehouses order by name
-- answer: The capacity of the warehouse {warehouse} is {capacity}.
select capacity from warehouses where name = :warehouse;

-- name: warehouse_address
-- description: Street address of a warehouse.
-- param warehouse: string, copied from the request, one of: select name from warehouses order by name
-- answer: The address of the warehouse {warehouse} is {address}.
select address from warehouses where name = :warehouse;

-- name: order_status
-- description: See the status of an order.
-- param order: string, copied from the request, one of: select id from orders order by id
-- answer: The status of the order {order} is {status}.
select status from orders where id = :order;

-- name: region_director
-- description: Who directs a sales region.
-- param region: string, copied from the request, one of: select name from regions order by name
-- answer: The director of the region {region} is {director}.
select director from regions where name = :region;
