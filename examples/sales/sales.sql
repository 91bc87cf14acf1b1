-- A small company's sales: customers, the devices it sells, its warehouses, orders, and what every
-- region was to earn and earned in each quarter of a year. All names and figures are invented.
-- No name is a part of another, so that a name in a question means one row.

create table customers (
  name text primary key,
  balance numeric not null,   -- euros; negative: the customer owes
  region text not null references regions (name),
  phone text,                 -- null: not known
  priority text not null check (priority in ('low', 'normal', 'high'))
);

create table devices (
  name text primary key,
  price numeric not null,     -- euros
  category text not null,
  stock integer not null
);

create table warehouses (
  name text primary key,
  director text not null,
  capacity integer not null,  -- pallets
  address text not null
);

create table orders (
  id text primary key,
  customer text not null references customers (name),
  device text not null references devices (name),
  quantity integer not null,
  status text not null check (status in ('open', 'packed', 'sent', 'closed')),
  deadline text not null      -- year-month-day
);

create table regions (
  name text primary key,
  director text not null
);

create table region_results (
  region text not null references regions (name),
  quarter text not null check (quarter in ('Q1', 'Q2', 'Q3', 'Q4')),
  revenue integer not null,   -- thousands of euros
  target integer not null,    -- thousands of euros
  primary key (region, quarter)
);

insert into regions (name, director) values
  ('North', 'Samuel Parker'),
  ('South', 'Kofi Bell'),
  ('East', 'Grace Mitchell'),
  ('West', 'Oscar Murphy'),
  ('Central', 'Fatima Baker'),
  ('Coast', 'Ravi Gray');

insert into customers (name, balance, region, phone, priority) values
  ('Noor Hyrstor', 138.83, 'Central', '673-5485', 'low'),
  ('Krurttroor', 2230.94, 'East', '964-3535', 'high'),
  ('Stugrux', 79797, 'West', '630-2936', 'low'),
  ('Rer Jyrhun', 70027, 'Coast', '444-5863', 'high'),
  ('Wendy Jeakroo', 47423, 'Coast', '137-1046', 'normal'),
  ('Woolmim', 0, 'Central', '566-2762', 'high'),
  ('Kooxthes', 56164, 'Central', '689-8895', 'normal'),
  ('Nairt Waishjeas', 6496.48, 'East', '576-2082', 'normal'),
  ('Brook Saixzeash', 3915.38, 'East', '418-3337', 'low'),
  ('Jindmos', 4499.14, 'East', null, 'high'),
  ('Honrit', 7326.41, 'North', '850-4768', 'normal'),
  ('Pleatrur', 5992.41, 'North', '441-8034', 'low'),
  ('Trerzesh', 460.04, 'North', '324-2821', 'high'),
  ('Tomas Cukplak', 6371.97, 'West', '253-3999', 'high'),
  ('Hana Flifoox', 625.05, 'South', '144-2772', 'high'),
  ('Num Pirhoom', 7645, 'Central', '689-2939', 'high'),
  ('Kro Thotnax', 109.72, 'North', '422-9019', 'normal'),
  ('Fai Serrort', 8253.15, 'South', '814-5828', 'low'),
  ('Quentin Galtrom', 2632.13, 'Central', '663-4614', 'normal'),
  ('Ben Nookquom', 7292.26, 'East', '564-7371', 'low'),
  ('Trairdom', -44875, 'North', '686-1588', 'low'),
  ('Pedro Rutstom', 4101.51, 'West', '997-8579', 'normal'),
  ('Tyshnu', 69661, 'North', '655-7301', 'low'),
  ('Byl Jubraix', 3884.01, 'South', '867-2901', 'low');

insert into devices (name, price, category, stock) values
  ('Global Dramhek', 692, 'battery', 420),
  ('Zulpam', 636.34, 'battery', 181),
  ('New Treakshex', 307, 'sensor', 476),
  ('Keandstis', 368, 'battery', 193),
  ('Krooxquik', 752.99, 'sensor', 411),
  ('Drymgrir 8', 995, 'sensor', 264),
  ('Wosdaix 85', 898.76, 'robot', 378),
  ('Gentle Stendxox', 61.95, 'lamp', 16),
  ('Hoshpook', 181.04, 'battery', 455),
  ('Femnur', 688, 'sensor', 0),
  ('Shokean 16', 275.49, 'camera', 471),
  ('Nushhysh 33', 424.02, 'lamp', 98),
  ('Paindstix', 148.14, 'sensor', 444),
  ('Complex Krutairt', 797.31, 'robot', 282),
  ('Thartxim', 254.69, 'robot', 384),
  ('Heavy Lokkik', 216.65, 'battery', 458),
  ('Zyxfund', 837.07, 'sensor', 161),
  ('Baxge 22', 715, 'lamp', 344),
  ('Plylfok', 768.92, 'robot', 60),
  ('Greashflum 61', 343, 'sensor', 232),
  ('Liquid Planjyn', 757, 'robot', 17);

insert into warehouses (name, director, capacity, address) values
  ('Krandtrer', 'Yvonne Walker', 3413, '93 Zenddrex Road'),
  ('Desmem', 'Elena Clark', 528, '75 Thoosgrir Road'),
  ('Cairo', 'Irene Smith', 3896, '86 Kearten Road'),
  ('Fovynd', 'Anna Wright', 1401, '81 Wygraix Road'),
  ('Mesleam', 'Karen Nelson', 6691, '92 Gosdrer Road'),
  ('Delhi', 'Ursula King', 6087, '89 Flishzirt Road'),
  ('Roshhoom', 'Ivan Bennett', 5229, '25 Faixend Road'),
  ('Zurich', 'Leo Wood', 7788, '48 Vulxyk Road'),
  ('Tallinn', 'Maria Collins', 4759, '10 Broolxil Road'),
  ('Plel Candwoor', 'Tina Jones', 2796, '32 Farvor Road'),
  ('Durttheam', 'Xavier Morris', 2997, '88 Gruktyx Road'),
  ('Tool Joosneal', 'Victor Carter', 839, '84 Nabai Road'),
  ('Tyt Pytdish', 'Marco Ward', 7175, '94 Flerlert Road'),
  ('Paris', 'Sofia Ross', 4555, '2 Brolgryl Road'),
  ('Jirtheax', 'Ahmed Evans', 7688, '9 Cyndyx Road'),
  ('Flar Jyscoort', 'Paula Morgan', 7542, '89 Zuszom Road'),
  ('Montreal', 'Carla Rogers', 2901, '7 Jakwoort Road'),
  ('Warsaw', 'Jack Turner', 665, '72 Jaikhaish Road'),
  ('Quirtgroo', 'Olga Lewis', 8622, '74 Stendgut Road'),
  ('Lagos', 'David Wilson', 5854, '14 Stymmynd Road'),
  ('Tort Flishjal', 'Zoe Brown', 1286, '32 Kytstai Road');

insert into orders (id, customer, device, quantity, status, deadline) values
  ('HZ-6633', 'Num Pirhoom', 'New Treakshex', 60, 'closed', '2025-01-22'),
  ('JQ-7910', 'Nairt Waishjeas', 'Liquid Planjyn', 4, 'closed', '2025-07-26'),
  ('EB-1536', 'Krurttroor', 'Zulpam', 17, 'closed', '2025-11-02'),
  ('RL-4392', 'Krurttroor', 'Wosdaix 85', 12, 'closed', '2025-04-18'),
  ('EZ-3175', 'Nairt Waishjeas', 'New Treakshex', 60, 'sent', '2025-02-03'),
  ('WP-2747', 'Fai Serrort', 'Drymgrir 8', 39, 'open', '2025-12-07'),
  ('FP-7111', 'Ben Nookquom', 'Global Dramhek', 29, 'sent', '2025-08-14'),
  ('EB-7891', 'Quentin Galtrom', 'Paindstix', 34, 'packed', '2025-12-01'),
  ('KE-8424', 'Jindmos', 'Thartxim', 58, 'packed', '2025-09-04'),
  ('VF-9555', 'Wendy Jeakroo', 'Femnur', 31, 'open', '2025-05-27'),
  ('QR-6205', 'Trerzesh', 'Shokean 16', 9, 'packed', '2025-09-03'),
  ('RJ-5768', 'Num Pirhoom', 'Gentle Stendxox', 45, 'open', '2025-07-19'),
  ('RN-3400', 'Pedro Rutstom', 'Gentle Stendxox', 18, 'open', '2025-08-23'),
  ('DN-9712', 'Nairt Waishjeas', 'Zulpam', 46, 'packed', '2025-05-12'),
  ('FW-9180', 'Rer Jyrhun', 'New Treakshex', 27, 'sent', '2025-07-25'),
  ('LF-2460', 'Fai Serrort', 'Global Dramhek', 58, 'sent', '2025-11-25'),
  ('RJ-9440', 'Wendy Jeakroo', 'Plylfok', 2, 'closed', '2025-03-27'),
  ('TS-6919', 'Tyshnu', 'Liquid Planjyn', 51, 'open', '2025-12-02'),
  ('CM-1562', 'Tyshnu', 'Complex Krutairt', 18, 'open', '2025-07-18'),
  ('KM-5601', 'Wendy Jeakroo', 'Shokean 16', 5, 'sent', '2025-03-05'),
  ('RJ-5814', 'Brook Saixzeash', 'Heavy Lokkik', 44, 'sent', '2025-05-02'),
  ('LW-3926', 'Stugrux', 'Baxge 22', 49, 'open', '2025-01-04'),
  ('UA-8770', 'Krurttroor', 'Krooxquik', 53, 'sent', '2025-07-28'),
  ('TJ-6339', 'Brook Saixzeash', 'Greashflum 61', 2, 'packed', '2025-09-14');

insert into region_results (region, quarter, revenue, target) values
  ('North', 'Q1', 345, 360),
  ('North', 'Q2', 593, 620),
  ('North', 'Q3', 439, 400),
  ('North', 'Q4', 297, 320),
  ('South', 'Q1', 426, 410),
  ('South', 'Q2', 373, 380),
  ('South', 'Q3', 816, 750),
  ('South', 'Q4', 332, 350),
  ('East', 'Q1', 865, 770),
  ('East', 'Q2', 812, 790),
  ('East', 'Q3', 402, 410),
  ('East', 'Q4', 403, 400),
  ('West', 'Q1', 843, 820),
  ('West', 'Q2', 293, 330),
  ('West', 'Q3', 819, 730),
  ('West', 'Q4', 497, 500),
  ('Central', 'Q1', 629, 650),
  ('Central', 'Q2', 427, 470),
  ('Central', 'Q3', 423, 450),
  ('Central', 'Q4', 823, 860),
  ('Coast', 'Q1', 479, 500),
  ('Coast', 'Q2', 558, 510),
  ('Coast', 'Q3', 279, 270),
  ('Coast', 'Q4', 677, 710);
