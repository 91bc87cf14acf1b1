-- Questions about regions and orders that take more than one fact; for models that can plan.

-- name: region_result
-- description: Get the revenue and the target of a region in a quarter, in thousands of euros.
-- param region: string, copied from the request, one of: select name from regions order by name
-- param quarter: string, copied from the request, one of: select distinct quarter from region_results order by quarter
-- answer: In {quarter} the region {region} had a revenue of {revenue} and a target of {target}.
select revenue, target from region_results where region = :region and quarter = :quarter;

-- name: regions_below_target
-- description: List the regions whose revenue was below their target in a quarter, with the shortfall in thousands of euros.
-- param quarter: string, copied from the request, one of: select distinct quarter from region_results order by quarter
select region, revenue, target, target - revenue as shortfall
from region_results
where quarter = :quarter and revenue < target
order by shortfall desc;

-- name: region_director
-- description: Get the director of a region.
-- param region: string, copied from the request, one of: select name from regions order by name
-- answer: The director of the region {region} is {director}.
select director from regions where name = :region;

-- name: customer_orders
-- description: List the orders of a customer with device, quantity, status and deadline.
-- param customer: string, copied from the request, one of: select name from customers order by name
select id, device, quantity, status, deadline from orders where customer = :customer order by deadline;

-- name: orders_due_by
-- description: List the orders that are not closed and due on a date or before (year-month-day).
-- param date: string, copied from the request
select id, customer, status, deadline from orders
where status <> 'closed' and deadline <= :date
order by deadline;
